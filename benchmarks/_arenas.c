// The core's pool of arenas with the MPU of Armv7-M, at a board's addresses, for Python.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/cortexm/pmsa7.h"
#include "base/xn_port.h"
#include "model/xn_pool.h"

uint32_t arenas_start(uint32_t address, uint32_t bytes, bool exact);
uint32_t arenas_take(uint32_t bytes);

#define REGIONS 3u // of an arena: arch/cortexm/mpu.c

static uintptr_t pool;
static uint32_t pool_bytes;
static bool is_exact;

uint8_t *xn_port_arena(uint32_t *bytes) {
    *bytes = pool_bytes;
    return (uint8_t *)pool;
}

void xn_port_reach(uintptr_t *start, uintptr_t *end) {
    xn_pmsa7_region regions[REGIONS];
    uint32_t from = (uint32_t)*start;
    uint32_t to = (uint32_t)*end;
    if (!is_exact) {
        (void)xn_pmsa7_cover(&from, &to, REGIONS, regions);
    }
    *start = from;
    *end = to;
}

// An empty pool; the largest arena that it can give.
uint32_t arenas_start(uint32_t address, uint32_t bytes, bool exact) {
    pool = address;
    pool_bytes = bytes;
    is_exact = exact;
    xn_pool_init();
    return xn_pool_bytes();
}

// Where the arena ends, from the pool's start; 0: it does not fit.
uint32_t arenas_take(uint32_t bytes) {
    const uint8_t *at = xn_pool_take(&bytes);
    return at == NULL ? 0 : (uint32_t)((uintptr_t)at - pool) + bytes;
}
