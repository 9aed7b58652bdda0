// Time since boot from the SysTick timer: a millisecond interrupt, and the counter between two.
#include "arch/cortexm/cpu.h"
#include "arch/cortexm/scs.h"
#include "core/xn_port.h"

#define TICKS_PER_MS (XN_CPU_HZ / 1000u)
#define TICKS_PER_US (XN_CPU_HZ / 1000000u)

static volatile uint64_t elapsed_ms;

void xn_clock_start(void) {
    SYST_RVR = TICKS_PER_MS - 1;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_RUN;
}

void xn_clock_interrupt(void) {
    elapsed_ms++;
}

uint64_t xn_port_time_us(void) {
    uint32_t state = xn_port_lock();
    uint64_t ms = elapsed_ms;
    uint32_t left = SYST_CVR;
    if (SCB_ICSR & ICSR_PENDSTSET) {
        // The counter wrapped and its interrupt waits for the lock.
        left = SYST_CVR;
        ms++;
    }
    xn_port_unlock(state);
    return ms * 1000 + (TICKS_PER_MS - 1 - left) / TICKS_PER_US;
}

uint32_t xn_clock_ms(void) {
    return (uint32_t)(xn_port_time_us() / 1000);
}
