#include "model/xn_pool.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/xn_port.h"
#include "xn_blob.h"

#define GRANULE 32u // what an MPU can tell apart; a multiple of XN_ARENA_ALIGN

// Arenas that are taken, by their place.
static struct {
    uint8_t *base;
    uint32_t bytes;
    uint32_t count;
    struct {
        uint32_t offset, bytes;
    } taken[XN_POOL_ARENAS];
} pool;

void xn_pool_init(void) {
    pool.base = xn_port_arena(&pool.bytes);
    pool.bytes -= pool.bytes % GRANULE;
    pool.count = 0;
}

uint32_t xn_pool_bytes(void) {
    return pool.bytes;
}

// The gap before taken arena `index` (count: behind the last).
static uint32_t gap(uint32_t index, uint32_t *start) {
    uint32_t end = index < pool.count ? pool.taken[index].offset : pool.bytes;
    *start = index == 0 ? 0 : pool.taken[index - 1].offset + pool.taken[index - 1].bytes;
    return end - *start;
}

uint32_t xn_pool_largest(void) {
    uint32_t largest = 0;
    for (uint32_t i = 0; i <= pool.count && pool.count < XN_POOL_ARENAS; i++) {
        uint32_t start;
        uint32_t bytes = gap(i, &start);
        largest = bytes > largest ? bytes : largest;
    }
    return largest;
}

uint8_t *xn_pool_take(uint32_t bytes) {
    if (bytes > xn_pool_largest() || pool.count == XN_POOL_ARENAS) {
        return NULL;
    }
    // An arena of no bytes takes a place too: each has an address of its own.
    bytes = bytes == 0 ? GRANULE : (bytes + GRANULE - 1u) & ~(GRANULE - 1u);
    for (uint32_t i = 0; i <= pool.count; i++) {
        uint32_t start;
        if (gap(i, &start) >= bytes) {
            for (uint32_t j = pool.count; j > i; j--) {
                pool.taken[j] = pool.taken[j - 1];
            }
            pool.taken[i].offset = start;
            pool.taken[i].bytes = bytes;
            pool.count++;
            return pool.base + start;
        }
    }
    return NULL;
}

void xn_pool_give(uint8_t *arena) {
    bool found = false;
    for (uint32_t i = 0; i < pool.count; i++) {
        found = found || pool.base + pool.taken[i].offset == arena;
        if (found && i + 1u < pool.count) {
            pool.taken[i] = pool.taken[i + 1u];
        }
    }
    pool.count -= found ? 1u : 0u;
}
