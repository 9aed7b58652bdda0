// The core itself: interrupts, sleep, caches.
#include "arch/cortexm/cpu.h"
#include "arch/cortexm/scs.h"
#include "core/base/xn_port.h"

static void barrier(void) {
    __asm volatile("dsb\nisb" ::: "memory");
}

void xn_cpu_enable_irq(uint32_t irq) {
    NVIC_ISER(irq / 32) = 1u << (irq % 32);
}

uint32_t xn_cpu_irq(void) {
    uint32_t number; // of the exception: 16 are the system's
    __asm volatile("mrs %0, ipsr" : "=r"(number));
    return number - 16u;
}

void xn_cpu_sleep(void) {
    __asm volatile("dsb\nwfi" ::: "memory");
}

uint32_t xn_port_lock(void) {
    uint32_t state;
    __asm volatile("mrs %0, primask\ncpsid i" : "=r"(state)::"memory");
    return state;
}

void xn_port_unlock(uint32_t state) {
    __asm volatile("msr primask, %0" ::"r"(state) : "memory");
}

// PendSV is the only exception of the lowest priority (xn_clock_start).
uint32_t xn_cpu_defer(void) {
    uint32_t state;
    __asm volatile("mrs %0, basepri\nmsr basepri, %1" : "=&r"(state) : "r"(0xFFu) : "memory");
    return state;
}

void xn_cpu_resume(uint32_t state) {
    __asm volatile("msr basepri, %0" ::"r"(state) : "memory");
}

// Data cache line in bytes: CTR.DminLine is log2 of its words.
static uint32_t data_line(void) {
    return 4u << ((SCB_CTR >> 16) & 15u);
}

// Cleaning brings what was written to the memory; invalidating shows what a flash controller
// changed behind the cache.
void xn_cpu_flush(const void *start, uint32_t n) {
    barrier();
    if (SCB_CCR & CCR_DC) {
        uint32_t line = data_line();
        uintptr_t end = (uintptr_t)start + n;
        for (uintptr_t at = (uintptr_t)start & ~(uintptr_t)(line - 1); at < end; at += line) {
            SCB_DCCIMVAC = (uint32_t)at;
        }
    }
    barrier();
}

void xn_port_sync_code(const void *at, uint32_t n) {
    xn_cpu_flush(at, n);
    if (SCB_CCR & CCR_IC) {
        SCB_ICIALLU = 0;
    }
    SCB_BPIALL = 0;
    barrier();
}
