#include "model/xn_pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/xn_port.h"

#define GRANULE 32u // what every MPU can tell apart; a multiple of XN_ARENA_ALIGN

typedef struct range {
    uintptr_t from, to;
} range;

// What is taken, by its place: first the pool's start, last its end, without bytes.
static struct {
    uint32_t largest; // while no arena is taken
    uint32_t gaps;
    range taken[XN_POOL_ARENAS + 2u];
} pool;

static range gap(uint32_t index) {
    return (range){pool.taken[index].to, pool.taken[index + 1u].from};
}

static uint32_t size_of(const range *r) {
    return (uint32_t)(r->to - r->from);
}

static range aligned(const range *in, uintptr_t from_align, uintptr_t to_align) {
    return (range){(in->from + from_align - 1u) & ~(from_align - 1u), in->to & ~(to_align - 1u)};
}

// The largest arena in a gap: the finer its ends, the larger, but a board may not be able to open
// just that.
static range largest_in(const range *in) {
    range best = {in->from, in->from};
    for (uintptr_t i = GRANULE; i <= size_of(in); i *= 2u) {
        for (uintptr_t j = GRANULE; j <= size_of(in); j *= 2u) {
            range r = aligned(in, i, j);
            range opened = r;
            if (r.to <= r.from || size_of(&r) <= size_of(&best)) {
                continue;
            }
            xn_port_reach(&opened.from, &opened.to);
            if (opened.from == r.from && opened.to == r.to) {
                best = r;
            }
        }
    }
    return best;
}

// A place for an arena, the one that ends first: the coarser the alignment of its start, the more
// exact its end can be, but the more lies unused before it.
static bool place_in(const range *in, uint32_t bytes, range *place) {
    *place = largest_in(in);
    if (bytes > size_of(place)) {
        return false;
    }
    for (uintptr_t align = GRANULE; align <= size_of(in); align *= 2u) {
        range r = aligned(in, align, 1);
        r.to = r.from + bytes;
        xn_port_reach(&r.from, &r.to);
        if (r.from >= in->from && r.to < place->to) {
            *place = r;
        }
    }
    return true;
}

uint32_t xn_pool_largest(void) {
    uint32_t largest = 0;
    for (uint32_t i = 0; i < pool.gaps && pool.gaps <= XN_POOL_ARENAS; i++) {
        range in = gap(i);
        range r = largest_in(&in);
        largest = size_of(&r) > largest ? size_of(&r) : largest;
    }
    return largest < pool.largest ? largest : pool.largest;
}

void xn_pool_init(void) {
    uint32_t bytes;
    uintptr_t start = (uintptr_t)xn_port_arena(&bytes);
    pool.taken[0] = (range){start, start};
    pool.taken[1] = (range){start + bytes, start + bytes};
    pool.gaps = 1;
    pool.largest = UINT32_MAX;
    pool.largest = xn_pool_largest();
}

uint32_t xn_pool_bytes(void) {
    return pool.largest;
}

uint8_t *xn_pool_take(uint32_t *bytes) {
    if (*bytes > pool.largest || pool.gaps > XN_POOL_ARENAS) {
        return NULL;
    }
    // An arena of no bytes takes a place too: each has an address of its own.
    uint32_t needed = *bytes == 0 ? GRANULE : (*bytes + GRANULE - 1u) & ~(GRANULE - 1u);
    for (uint32_t i = 0; i < pool.gaps; i++) {
        range in = gap(i);
        range place;
        if (place_in(&in, needed, &place)) {
            range *at = &pool.taken[i + 1u];
            memmove(at + 1, at, (pool.gaps - i) * sizeof(*at));
            *at = place;
            pool.gaps++;
            *bytes = size_of(&place);
            return (uint8_t *)place.from;
        }
    }
    return NULL;
}

void xn_pool_give(const uint8_t *arena) {
    for (uint32_t i = 1; i < pool.gaps; i++) {
        range *at = &pool.taken[i];
        if (at->from == (uintptr_t)arena) {
            memmove(at, at + 1, (pool.gaps - i) * sizeof(*at));
            pool.gaps--;
            return;
        }
    }
}
