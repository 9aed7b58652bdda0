// Lives of the VM: heap, file system, start-up scripts, the prompt. Each ends with a soft reset, or
// is given up.
#include "micropython/vm.h"

#include "arch/cortexm/attend.h"
#include "arch/cortexm/clock.h"
#include "arch/cortexm/cpu.h"
#include "arch/cortexm/step.h"
#include "core/base/xn_busy.h"
#include "core/base/xn_port.h"
#include "core/link/xn_link.h"
#include "core/model/xn_active.h"
#include "core/model/xn_runner.h"
#include "core/rpc/xn_lane.h"
#include "core/rpc/xn_safe.h"
#include "core/rpc/xn_server.h"
#include "core/trust/xn_policy.h"
#include "micropython/flash_device.h"
#include "micropython/scripts.h"
#include "micropython/store_vfs.h"
#ifdef XN_SENSORS_BASE
#include "parts/sensors.h"
#endif

#include "extmod/vfs.h"
#include "extmod/vfs_lfs.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/readline/readline.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/pyexec.h"

// Deep recursion in Python ends in RuntimeError beyond this, which leaves a step its stack.
#define XN_VM_STACK_BYTES 40960u

extern uint8_t xn_ld_heap[], xn_ld_heap_end[], xn_ld_stack_end[];

static bool try_mount(mp_obj_t flash) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        return false;
    }
    mp_obj_t args[3] = {flash, MP_OBJ_NEW_QSTR(MP_QSTR_progsize),
                        MP_OBJ_NEW_SMALL_INT(XN_FLASH_DEVICE_PAGE)};
    mp_obj_t mount[2];
    mount[0] = mp_call_function_n_kw(MP_OBJ_FROM_PTR(&mp_type_vfs_lfs2), 1, 1, args);
    mount[1] = MP_OBJ_NEW_QSTR(MP_QSTR__slash_);
    mp_map_t none = {0};
    mp_vfs_mount(2, mount, &none);
    nlr_pop();
    return true;
}

static bool try_format(mp_obj_t flash) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        return false;
    }
    mp_obj_t make = mp_load_attr(MP_OBJ_FROM_PTR(&mp_type_vfs_lfs2), MP_QSTR_mkfs);
    mp_obj_t args[3] = {flash, MP_OBJ_NEW_QSTR(MP_QSTR_progsize),
                        MP_OBJ_NEW_SMALL_INT(XN_FLASH_DEVICE_PAGE)};
    mp_call_function_n_kw(make, 1, 1, args);
    nlr_pop();
    return true;
}

static void mount_files(void) {
    mp_obj_t flash = MP_OBJ_FROM_PTR(&xn_flash_device);
    if (try_mount(flash)) {
        return;
    }
    // What is there may be another's, or somebody's files.
    if (xn_flash_device_is_blank() && try_format(flash) && try_mount(flash)) {
        return;
    }
    mp_printf(&mp_plat_print,
              "The file system cannot be mounted, and is left alone. This makes a new one:\n"
              "import machine, vfs; vfs.VfsLfs2.mkfs(machine.Flash(), progsize=%d)\n",
              XN_FLASH_DEVICE_PAGE);
}

static void open_files(void) {
    mp_obj_list_append(mp_sys_path, mp_obj_new_str_from_cstr("/lib")); // where mip installs
    mount_files();
}

// Whether nothing but sealed scripts has run in this life: the board was locked when it began, and
// was not unlocked since.
static bool sealed;

bool xn_vm_sealed(void) {
    return sealed;
}

// Text that came before the log was read, or before the board was locked.
static void drop_text(void) {
    while (xn_link_text_get() >= 0) {
    }
}

// A locked board has no prompt: it serves until it is unlocked, which gives it one.
static void serve_until_unlocked(void) {
    xn_vm_begun = true;
    while (xn_policy_locked()) {
        mp_event_wait_indefinite();
    }
    sealed = false;
    open_files();
}

static void run_prompt(void) {
    for (;;) {
        bool raw = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL;
        if ((raw ? pyexec_raw_repl() : pyexec_friendly_repl()) != 0) {
            return;
        }
    }
}

static uint32_t bundle; // active when this life began; 0: none

static void live(void) {
    static bool first = true;
    bundle = xn_active_bundle();
    xn_store_vfs_forget();
#ifdef XN_SENSORS_BASE
    xn_sensors_close_all(); // their slots were in the heap
#endif
    mp_cstack_init_with_top(xn_ld_stack_end, XN_VM_STACK_BYTES);
    gc_init(xn_ld_heap, xn_ld_heap_end);
    mp_init();
    readline_init0();
    bool locked = xn_policy_locked(); // an order may unlock it while the scripts run
    sealed = locked;
    if (locked) {
        drop_text();
    } else {
        open_files();
    }
    xn_store_vfs_mount();
    xn_vm_open(true);
    bool after_reset = first;
    first = false;
    xn_scripts_run(after_reset);
    if (locked) {
        serve_until_unlocked();
    }
    run_prompt();
    mp_printf(&mp_plat_print, "MPY: soft reboot\n");
    xn_vm_open(false);
    gc_sweep_all();
    mp_deinit();
    xn_vm_begun = false;
}

_Noreturn void xn_vm_live(void) {
    for (;;) {
        live();
    }
}

// ---- Giving it up -------------------------------------------------------------------------------

// A builtin of Python may run for ever, and nothing in it looks at anything else. The core is never
// given up in its work (xn_busy.h). What Python's heap held is lost, its file system is as after a
// cut of power.
#define WAIT_TICKS (500u / XN_CLOCK_TICK_MS)
#define DEAF_TICKS (2000u / XN_CLOCK_TICK_MS)

static enum xn_lane_cause cause;

static const char *words_of(enum xn_lane_cause why) {
#if XN_LOCKABLE
    if (why == XN_LANE_LOCKED) {
        return "Python was restarted: the board was locked";
    }
#endif
    if (why == XN_LANE_BUNDLE) {
        return "Python was restarted: the bundle was switched";
    }
    return why == XN_LANE_WAITED
               ? "Python was restarted: a builtin ran for more than 0.5 s while a request waited"
               : "Python was restarted: an interrupt had no effect for 2 s";
}

static void restart(void) {
    const char *message = words_of(cause);
    xn_vm_begun = false;
    MP_STATE_THREAD(nlr_top) = NULL;
    mp_hal_set_interrupt_char(-1);
    xn_vm_open(false);
    xn_runner_close_within(xn_ld_heap, xn_ld_heap_end);
    bool of_request = xn_lane_restart(cause, message);
    // After what a request did the scripts run again, and on a locked board, which is of no use
    // without them.
    bool in_scripts = xn_scripts_end();
    if (cause == XN_LANE_BUNDLE) {
        xn_safe_settle();                             // no crash of the old scripts
        pyexec_mode_kind = PYEXEC_MODE_FRIENDLY_REPL; // in a tool's raw mode main would not run
    } else if (in_scripts && !of_request && !xn_policy_locked()) {
        xn_safe_ask(XN_SAFE_RESTART);
    }
    xn_vm_poll(); // what waited
    mp_printf(&mp_plat_print, "\n%s\n", message);
    xn_vm_live();
}

// What is not sealed does not go on on a board that is locked now.
static bool outlived_the_lock(void) {
    bool locked = xn_policy_locked();
    bool open = locked && !sealed;
    sealed = sealed && locked;
    return open;
}

// What the core does for Python does not count, however long it takes: a run has its own limit.
xn_attend_resume_fn *xn_attend(void) {
    if (!xn_vm_begun) {
        return NULL;
    }
    bool waits = xn_server_attend(xn_step_runs()) || xn_lane_waiting();
    uint32_t one = !xn_busy_now();
    xn_vm_waited = waits ? xn_vm_waited + one : 0;
    xn_vm_deaf = xn_vm_deaf > 0 ? xn_vm_deaf + one : 0;
    if (one == 0) {
        return NULL;
    }
    if (outlived_the_lock()) {
        cause = XN_LANE_LOCKED;
        return restart;
    }
    if (xn_active_bundle() != bundle) { // its scripts end with it, and those of the new one begin
        cause = XN_LANE_BUNDLE;
        return restart;
    }
    if (xn_vm_waited <= WAIT_TICKS && xn_vm_deaf <= DEAF_TICKS) {
        return NULL;
    }
    cause = xn_vm_waited > WAIT_TICKS ? XN_LANE_WAITED : XN_LANE_DEAF;
    return restart;
}

void xn_vm_wait(int32_t timeout_ms) {
    // The clock wakes a sleeper at its next tick, which would be too late.
    if (timeout_ms >= 0 && timeout_ms < (int32_t)XN_CLOCK_TICK_MS) {
        return;
    }
    uint32_t state = xn_port_lock();
    if (!xn_link_text_ready() && xn_link_frames() == 0 &&
        MP_STATE_VM(sched_state) != MP_SCHED_PENDING) {
        xn_cpu_sleep();
    }
    xn_port_unlock(state);
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
}
