// Faults of the firmware itself: note what happened in memory that a reset leaves alone, and
// restart. The next boot reads the note, and the host learns why the board was gone.
#include "arch/cortexm/fault.h"

#include "arch/cortexm/cache.h"
#include "arch/cortexm/scs.h"
#include "core/base/xn_port.h"

#include <stddef.h>
#include <string.h>

#define RECORD_MAGIC 0x544C4658u // "XFLT"

// Lives outside of .data and .bss; valid only with its magic and check sum.
typedef struct record {
    uint32_t magic;
    xn_port_boot boot;
    uint32_t kept; // of xn_port_keep()
    uint32_t check;
} record;

extern record xn_ld_noinit[]; // one, placed by the linker script
extern uint32_t xn_ld_fault_stack_end[];

static xn_port_boot this_boot;
static uint32_t kept_word;

static uint32_t check_of(const record *r) {
    const uint8_t *bytes = (const uint8_t *)r;
    uint32_t sum = 2166136261u; // FNV-1a
    for (uint32_t i = 0; i < offsetof(record, check); i++) {
        sum = (sum ^ bytes[i]) * 16777619u;
    }
    return sum;
}

static void keep(const xn_port_boot *boot) {
    record *r = xn_ld_noinit;
    r->magic = RECORD_MAGIC;
    r->boot = *boot;
    r->kept = kept_word;
    r->check = check_of(r);
    xn_cache_flush(r, sizeof *r); // a reset drops what a cache alone holds
}

static void restart(void) {
    __asm volatile("dsb" ::: "memory");
    SCB_AIRCR = AIRCR_RESET;
    for (;;) {
        __asm volatile("dsb");
    }
}

void xn_fault_start(void) {
    const record *r = xn_ld_noinit;
    if (r->magic == RECORD_MAGIC && r->check == check_of(r)) {
        this_boot = r->boot;
        kept_word = r->kept;
    } else {
        memset(&this_boot, 0, sizeof this_boot);
        this_boot.cause = XN_PORT_BOOT_POWER;
        this_boot.fault_step = -1;
        this_boot.address = XN_FAULT_NO_ADDRESS;
    }
    // What a reset from outside will find.
    xn_port_boot next = this_boot;
    next.cause = XN_PORT_BOOT_RESET;
    next.resets++;
    keep(&next);
    SCB_CCR |= CCR_DIV_0_TRP;
    SCB_SHCSR |= SHCSR_FAULTS | SHCSR_SECUREFAULT;
}

uint32_t xn_port_kept(void) {
    return kept_word;
}

void xn_port_keep(uint32_t word) {
    uint32_t state = xn_port_lock();
    kept_word = word;
    xn_ld_noinit->kept = word;
    xn_ld_noinit->check = check_of(xn_ld_noinit);
    xn_cache_flush(xn_ld_noinit, sizeof *xn_ld_noinit);
    xn_port_unlock(state);
}

const xn_port_boot *xn_port_boot_report(void) {
    return &this_boot;
}

void xn_port_reset(void) {
    restart();
}

__attribute__((used)) void xn_fault_report(const xn_fault_frame *pushed) {
    uint32_t cfsr = SCB_CFSR;
    xn_port_boot boot = {
        .cause = XN_PORT_BOOT_FAULT,
        .resets = this_boot.resets + 1,
        .fault_step = xn_fault_step,
        .pc = xn_fault_pc(pushed, cfsr),
        .address = xn_fault_address(cfsr),
        .cfsr = cfsr,
        .hfsr = SCB_HFSR,
    };
    keep(&boot);
    restart();
}

// Leaves the stack that may have caused the fault before touching any.
__attribute__((naked, used)) void xn_fault_fatal(void) {
    __asm volatile("tst lr, #4\n"
                   "ite eq\n"
                   "mrseq r0, msp\n"
                   "mrsne r0, psp\n"
#if __ARM_ARCH >= 8
                   "mov r1, #0\n"
                   "msr msplim, r1\n"
#endif
                   "ldr r1, =xn_ld_fault_stack_end\n"
                   "mov sp, r1\n"
                   // FPCCR.LSPACT: give up the registers that wait to be stored on that stack;
                   // the first float or vector instruction would store them, and fault again.
                   "ldr r1, =0xE000EF34\n"
                   "ldr r2, [r1]\n"
                   "bic r2, r2, #1\n"
                   "str r2, [r1]\n"
                   "b xn_fault_report\n"
                   ".ltorg\n");
}
