// The core itself: interrupts, sleep, caches.
#include "arch/cortexm/cache.h"
#include "arch/cortexm/cpu.h"
#include "arch/cortexm/scs.h"
#include "core/base/xn_port.h"

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

void xn_port_sync_code(const void *at, uint32_t n) {
    xn_cache_sync(at, n);
}
