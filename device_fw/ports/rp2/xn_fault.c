// Why the board started, kept where a reset leaves it; faults that no step caused end in one.
#include "arch/cortexm/fault.h"
#include "arch/cortexm/scs.h"
#include "core/base/xn_crc32.h"
#include "core/base/xn_port.h"

#include "hardware/watchdog.h"
#include "pico/platform.h"

#include <stddef.h>
#include <string.h>

#define RECORD_MAGIC 0x32505258u // "XRP2"

// Outlives a reset, but not power. The check tells from what memory holds at power-on.
typedef struct record {
    uint32_t magic;
    xn_port_boot boot;
    uint32_t kept;
    uint32_t check;
} record;

static record __uninitialized_ram(lasting);

static uint32_t check_of(const record *r) {
    return xn_crc32(r, offsetof(record, check));
}

static void keep(uint32_t cause) {
    lasting.magic = RECORD_MAGIC;
    lasting.boot.cause = cause;
    lasting.check = check_of(&lasting);
}

const xn_port_boot *xn_port_boot_report(void) {
    static xn_port_boot boot;
    static bool known;
    if (known) {
        return &boot;
    }
    known = true;
    if (lasting.magic != RECORD_MAGIC || lasting.check != check_of(&lasting)) {
        memset(&lasting, 0, sizeof lasting);
        lasting.boot = (xn_port_boot){
            .cause = XN_PORT_BOOT_POWER, .fault_step = -1, .address = XN_FAULT_NO_ADDRESS};
    }
    boot = lasting.boot;
    lasting.boot.resets++;
    keep(XN_PORT_BOOT_RESET); // what a reset from outside will find
    return &boot;
}

uint32_t xn_port_kept(void) {
    xn_port_boot_report();
    return lasting.kept;
}

void xn_port_keep(uint32_t word) {
    lasting.kept = word;
    keep(XN_PORT_BOOT_RESET);
}

static _Noreturn void reset(void) {
    watchdog_reboot(0, 0, 0);
    for (;;) {
        __asm volatile("wfi");
    }
}

void xn_port_reset(void) {
    reset();
}

// ---- Faults of the firmware ---------------------------------------------------------------------

extern uint8_t __StackBottom[], __StackTop[];

static bool lie_in_stack(const xn_fault_frame *pushed) {
    uintptr_t at = (uintptr_t)pushed;
    return at % 4u == 0 && at >= (uintptr_t)__StackBottom &&
           at <= (uintptr_t)__StackTop - sizeof *pushed;
}

__attribute__((used)) static _Noreturn void report(const xn_fault_frame *pushed) {
    lasting.boot.fault_step = xn_fault_step;
    lasting.boot.pc = lie_in_stack(pushed) ? pushed->pc : 0;
#if __ARM_ARCH == 6
    lasting.boot.address = XN_FAULT_NO_ADDRESS;
#else
    lasting.boot.cfsr = SCB_CFSR;
    lasting.boot.hfsr = SCB_HFSR;
    lasting.boot.address = xn_fault_address(lasting.boot.cfsr);
#endif
    keep(XN_PORT_BOOT_FAULT);
    reset();
}

// Leaves the stack, which may have overflowed.
__attribute__((naked)) void xn_fault_fatal(void) {
    __asm volatile("mrs r0, msp\n"
                   "ldr r1, =__StackTop\n"
                   "mov sp, r1\n"
                   "ldr r1, =report\n"
                   "bx r1\n"
                   ".pool\n");
}
