// Armv7-M Architecture Reference Manual, B3.5: MPU_RBAR, MPU_RASR.
#include "arch/cortexm/pmsa7.h"

#include <stdbool.h>

#define SMALLEST_LOG 8u // regions of less than 256 bytes have no eighths

// log2 of the smallest region that has eighths and so many bytes.
static uint32_t log_of(uint32_t bytes) {
    uint32_t log = 32u - (uint32_t)__builtin_clz(bytes - 1u);
    return log < SMALLEST_LOG ? SMALLEST_LOG : log;
}

// An eighth of the smallest region that holds [start, end).
static uint32_t eighth_of(uint32_t start, uint32_t end) {
    return 1u << (log_of((start ^ (end - 1u)) + 1u) - 3u);
}

// [start, end) consists of such eighths.
static xn_pmsa7_region region_of(uint32_t start, uint32_t end) {
    uint32_t eighth = eighth_of(start, end);
    uint32_t log = (uint32_t)__builtin_ctz(eighth);
    uint32_t base = start & ~(8u * eighth - 1u);
    uint32_t open = (1u << ((end - base) >> log)) - (1u << ((start - base) >> log));
    return (xn_pmsa7_region){base, (open ^ 0xFFu) << 8 | (log + 2u) << 1 | 1u};
}

// Widens [*start, *end) to what one region opens.
static xn_pmsa7_region cover_by_one(uint32_t *start, uint32_t *end) {
    uint32_t eighth = eighth_of(*start, *end);
    *start &= ~(eighth - 1u);
    *end = (*end + eighth - 1u) & ~(eighth - 1u);
    return region_of(*start, *end);
}

// By one, or by one on either side of the middle of the smallest region that holds all.
static uint32_t cover_by_few(uint32_t *start, uint32_t *end, uint32_t most,
                             xn_pmsa7_region regions[]) {
    uint32_t eighth = eighth_of(*start, *end);
    uint32_t middle = (*start & ~(8u * eighth - 1u)) + 4u * eighth;
    uint32_t below_end = middle, above = middle;
    if (most == 1u || *start >= middle || *end <= middle) {
        regions[0] = cover_by_one(start, end);
        return 1;
    }
    regions[0] = cover_by_one(start, &below_end);
    regions[1] = cover_by_one(&above, end);
    return 2;
}

uint32_t xn_pmsa7_cover(uint32_t *start, uint32_t *end, uint32_t most, xn_pmsa7_region regions[]) {
    if (most < 3u) {
        return cover_by_few(start, end, most, regions);
    }
    // First the middle: what is made of eighths of the smallest region that holds all, maybe
    // nothing. Then what is missing below and above it, the larger first.
    uint32_t eighth = eighth_of(*start, *end);
    uint32_t from = (*start + eighth - 1u) & ~(eighth - 1u);
    uint32_t to = *end & ~(eighth - 1u);
    uint32_t at = from;
    uint32_t bytes = to - from;
    uint32_t count = 0;
    for (;;) {
        if (bytes > 0) {
            regions[count++] = region_of(at, at + bytes);
        }
        uint32_t below = from > *start ? from - *start : 0;
        uint32_t above = to < *end ? *end - to : 0;
        if (below + above == 0) {
            *start = from;
            *end = to;
            return count;
        }
        bytes = below > above ? below : above;
        eighth = 1u << (log_of(bytes) - 3u);
        // The last regions open all that is left, and more if need be; others leave the rest.
        bool is_last = most - count == (below > 0 && above > 0 ? 2u : 1u);
        bytes = (bytes + (is_last ? eighth - 1u : 0)) & ~(eighth - 1u);
        if (below > above) {
            from -= bytes;
            at = from;
        } else {
            at = to;
            to += bytes;
        }
    }
}
