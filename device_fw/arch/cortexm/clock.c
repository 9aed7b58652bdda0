// Time since boot from the SysTick timer: interrupts are counted, the counter tells the time since.
#include "arch/cortexm/clock.h"
#include "arch/cortexm/scs.h"
#include "core/base/xn_port.h"

#define TICK_US (XN_CLOCK_TICK_MS * 1000u)

_Static_assert(XN_CLOCK_HZ / 1000000u * TICK_US <= 0x1000000u, "SysTick counts 24 bits");

static uint32_t clock_hz = XN_CLOCK_HZ;
static uint32_t counts_per_us = XN_CLOCK_HZ / 1000000u;    // of SysTick
static uint32_t counts = XN_CLOCK_HZ / 1000000u * TICK_US; // in a tick
static volatile uint64_t ticks;
static volatile uint32_t ticks_left; // to the limit, 0: there is none
static xn_clock_limit_fn *limit;

void xn_clock_slow(uint32_t hz) {
    clock_hz = hz;
    counts_per_us = hz / 1000000u;
    counts = counts_per_us * TICK_US;
}

uint32_t xn_clock_bus_hz(uint32_t hz) {
    return clock_hz == XN_CLOCK_HZ ? hz : clock_hz;
}

void xn_clock_start(void) {
    SCB_SHPR3 |= SHPR3_PENDSV_LAST;
    SYST_RVR = counts - 1;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_RUN;
}

void xn_clock_limit(uint32_t ms, xn_clock_limit_fn *is_over) {
    limit = is_over;
    ticks_left = ms == 0 ? 0 : ms / XN_CLOCK_TICK_MS + 2u; // the first may be short
}

bool xn_clock_tick(const xn_fault_frame *pushed, uint32_t return_code) {
    ticks++;
    SCB_ICSR = ICSR_PENDSVSET;
    if (ticks_left == 0 || --ticks_left > 0) {
        return false;
    }
    bool ends = limit(pushed, return_code);
    ticks_left = ends ? 0 : 1u;
    return ends;
}

uint64_t xn_port_time_us(void) {
    uint32_t state = xn_port_lock();
    uint64_t whole = ticks;
    uint32_t left = SYST_CVR;
    if (SCB_ICSR & ICSR_PENDSTSET) {
        // The counter wrapped and its interrupt waits for the lock.
        left = SYST_CVR;
        whole++;
    }
    xn_port_unlock(state);
    return whole * TICK_US + (counts - 1 - left) / counts_per_us;
}
