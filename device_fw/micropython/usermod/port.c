// What core/base/xn_port.h asks for, on a Cortex-M under another MicroPython port, without the
// flash, which XIPNET_FLASH chooses from ports/flash. All is weak: a board defines what it does
// better, in a file named by XIPNET_PORT_C; another CPU's board what stands under __arm__, too.
#include "micropython/usermod/serve.h"

#include "arch/cortexm/cache.h"
#include "core/base/xn_port.h"
#include "core/base/xn_status.h"

#include "py/mphal.h"

#include <string.h>

#define WEAK __attribute__((weak))

#ifndef XN_USER_ARENA_BYTES
#define XN_USER_ARENA_BYTES (64u * 1024u)
#endif
#ifndef XN_USER_STACK_BYTES
#define XN_USER_STACK_BYTES 4096u // that a step may use
#endif

// ---- Identity -----------------------------------------------------------------------------------

#if defined(__arm__)

#if defined(__ARM_FEATURE_MVE)
#define CPU "cortex-m55"
#define LEVEL XN_LEVEL_V81M
#elif defined(__ARM_ARCH_8M_MAIN__)
#define CPU "cortex-m33"
#define LEVEL XN_LEVEL_V8M
#elif defined(__ARM_ARCH_7EM__)
#define CPU "cortex-m4"
#define LEVEL XN_LEVEL_V7M
#elif defined(__ARM_ARCH_7M__)
#define CPU "cortex-m3"
#define LEVEL XN_LEVEL_V7M
#else
#define CPU "cortex-m0plus"
#define LEVEL XN_LEVEL_V6M
#endif

static uint32_t features(void) {
    uint32_t present = 0;
#ifdef __ARM_FEATURE_DSP
    present |= XN_FEATURE_DSP;
#endif
#if defined(__ARM_FP) && (__ARM_FP & 4)
    present |= XN_FEATURE_FP32;
#endif
#if defined(__ARM_FP) && (__ARM_FP & 8)
    present |= XN_FEATURE_FP64;
#endif
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
    present |= XN_FEATURE_MVE_I;
#endif
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
    present |= XN_FEATURE_MVE_F;
#endif
    return present;
}

WEAK const xn_port_cpu *xn_port_identity(void) {
    static xn_port_cpu identity = {
        .board = MICROPY_HW_BOARD_NAME, .cpu = CPU, .family = XN_FAMILY_CORTEX_M, .level = LEVEL};
    identity.features = features();
    return &identity;
}

#endif

WEAK uint32_t xn_port_flash_taken_until(void) {
    return 0;
}

// ---- Bytes, time, memory ------------------------------------------------------------------------

WEAK void xn_port_send(const uint8_t *bytes, uint32_t n) {
    if (!xn_serve_quiet) {
        mp_hal_stdout_tx_strn((const char *)bytes, n);
    }
}

// The line is the port's own: its speed stays.
WEAK bool xn_port_baud_fits(uint32_t rate) {
    (void)rate;
    return false;
}

WEAK void xn_port_set_baud(uint32_t rate) {
    (void)rate;
}

WEAK uint64_t xn_port_time_us(void) {
    static uint32_t last, wraps;
    uint32_t now = (uint32_t)mp_hal_ticks_us();
    wraps += now < last ? 1u : 0u;
    last = now;
    return (uint64_t)wraps << 32 | now;
}

WEAK uint8_t *xn_port_arena(uint32_t *bytes) {
    static uint8_t arena[XN_USER_ARENA_BYTES] __attribute__((aligned(32)));
    *bytes = sizeof arena;
    return arena;
}

WEAK void xn_port_reach(uintptr_t *start, uintptr_t *end) {
    (void)start;
    (void)end;
}

WEAK uint32_t xn_port_step_stack(void) {
    return XN_USER_STACK_BYTES;
}

// ---- The CPU ------------------------------------------------------------------------------------

#if defined(__arm__)

WEAK uint32_t xn_port_lock(void) {
    uint32_t state;
    __asm volatile("mrs %0, primask\ncpsid i" : "=r"(state)::"memory");
    return state;
}

WEAK void xn_port_unlock(uint32_t state) {
    __asm volatile("msr primask, %0" ::"r"(state) : "memory");
}

WEAK void xn_port_sync_code(const void *at, uint32_t n) {
    xn_cache_sync(at, n);
}

WEAK void xn_port_reset(void) {
    *(volatile uint32_t *)0xE000ED0C = 0x05FA0004; // SCB_AIRCR: SYSRESETREQ
    for (;;) {
    }
}

#endif

// Faults are the port's own affair.
WEAK int xn_port_run_step(const xn_port_step *step, xn_port_stop *why) {
    why->returned = step->function(step->ctx);
    return XN_OK;
}

WEAK const xn_port_boot *xn_port_boot_report(void) {
    static const xn_port_boot boot = {XN_PORT_BOOT_POWER, 0, -1, 0, 0xFFFFFFFF, 0, 0};
    return &boot;
}

static uint32_t kept;

WEAK uint32_t xn_port_kept(void) {
    return kept;
}

WEAK void xn_port_keep(uint32_t word) {
    kept = word;
}
