#include "ports/rp2/xn_start.h"

#include "arch/cortexm/clock.h"
#include "arch/cortexm/fault.h"
#include "arch/cortexm/scs.h"
#include "ports/rp2/xn_attend.h"

#include "core/base/xn_port.h"
#include "core/base/xn_status.h"
#include "core/link/xn_link.h"
#include "core/rpc/xn_server.h"
#include "micropython/scripts.h"
#include "micropython/store_vfs.h"
#include "micropython/vm.h"

#include "mp_usbd.h"
#include "pico/platform.h"
#include "py/mpconfig.h"

#include <string.h>

void xn_start_core(void) {
#if __ARM_ARCH >= 8
    // Exceptions push the float registers at once: pushed when a handler first uses its own, a
    // step's would go, and fault, where the step put its stack.
    SCB_FPCCR &= ~FPCCR_LSPEN;
#endif
    xn_clock_start();
    xn_link_init();
    xn_vm_attach();
    xn_server_init();
}

void xn_start_end_life(void) {
    xn_vm_open(false);
}

// A step's clock, its MPU and its way out are the first core's.
int __real_xn_port_run_step(const xn_port_step *step, xn_port_stop *why);
int __wrap_xn_port_run_step(const xn_port_step *step, xn_port_stop *why);

int __wrap_xn_port_run_step(const xn_port_step *step, xn_port_stop *why) {
    if (get_core_num() != 0) {
        *why = (xn_port_stop){.address = XN_FAULT_NO_ADDRESS};
        return XN_E_BUSY;
    }
    return __real_xn_port_run_step(step, why);
}

// The VM looks after the core on both; requests, models and the store are the first one's.
void __real_xn_vm_poll(void);
void __wrap_xn_vm_poll(void);

void __wrap_xn_vm_poll(void) {
    if (get_core_num() == 0) {
        __real_xn_vm_poll();
    }
}

// The port's main() runs boot.py, starts USB and runs main.py by this name, which the linker leads
// here: the store's scripts come before the file system's, and a board that a script keeps busy
// answers.
int __wrap_pyexec_file_if_exists(const char *name);

int __wrap_pyexec_file_if_exists(const char *name) {
    static bool had_one;
    if (strcmp(name, "boot.py") == 0) {
        mp_usbd_init();
        xn_store_vfs_forget();
        xn_store_vfs_mount();
        xn_vm_open(true);
        bool after_reset = !had_one;
        if (after_reset) {
            xn_attend_start();
        }
        had_one = true;
        xn_scripts_run(after_reset);
    }
    return 1; // as if it had been run to its end
}
