// Which addresses the MPU of Armv7-M can open: a region is a power of two of bytes at a multiple of
// its size, and each of its eighths may be left out.
#ifndef XN_PMSA7_H
#define XN_PMSA7_H

#include <stdint.h>

typedef struct xn_pmsa7_region {
    uint32_t base; // MPU_RBAR
    uint32_t size; // of MPU_RASR: enabled, its size, the eighths that are left out
} xn_pmsa7_region;

// Covers [*start, *end), multiples of 32, by at most `most` regions, 1 or more, that do not
// overlap; returns how many. The range becomes what they open: covering that gives it again. From 3
// regions on it is at most an eighth more at either end; with fewer it may be several times as much
// if it lies across a large power of two.
uint32_t xn_pmsa7_cover(uint32_t *start, uint32_t *end, uint32_t most, xn_pmsa7_region regions[]);

#endif
