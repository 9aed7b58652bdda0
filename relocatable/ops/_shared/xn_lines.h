// Lines between 513 points: what LiteRT makes of a smooth function of 16-bit values.
#ifndef XN_LINES_H
#define XN_LINES_H

#include <stdint.h>

// table: results at the pieces' ends, by the upper 9 bits of x; x is of 16 bits.
static inline int32_t xn_on_lines(const int16_t *table, int32_t x) {
    const int16_t *ends = table + 256 + (x >> 7);
    return ends[0] + (((ends[1] - ends[0]) * (x & 127) + 64) >> 7);
}

#endif
