// Other CPUs have none of this: MicroPython's unix port builds all files of the module.
#ifdef __arm__
#include "arch/cortexm/cache.h"
#include "arch/cortexm/scs.h"

static void barrier(void) {
    __asm volatile("dsb\nisb" ::: "memory");
}

// Data cache line in bytes: CTR.DminLine is log2 of its words.
static uint32_t data_line(void) {
    return 4u << ((SCB_CTR >> 16) & 15u);
}

// Cleaning brings what was written to the memory; invalidating shows what a flash controller
// changed behind the cache.
void xn_cache_flush(const void *start, uint32_t n) {
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

void xn_cache_sync(const void *start, uint32_t n) {
    xn_cache_flush(start, n);
    if (SCB_CCR & CCR_IC) {
        SCB_ICIALLU = 0;
    }
    if (SCB_CCR & (CCR_IC | CCR_BP)) {
        SCB_BPIALL = 0;
    }
    barrier();
}

#endif
