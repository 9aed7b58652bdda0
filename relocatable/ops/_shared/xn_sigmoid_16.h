// LOGISTIC and TANH of 16 bits, on the lines of one table.
#ifndef XN_SIGMOID_16_H
#define XN_SIGMOID_16_H

#include "ops/_shared/xn_kernel.h"

// Bits between two entries of the table.
static inline int32_t xn_sigmoid_16_bits(int32_t is_tanh) {
    return is_tanh ? 8 : 9;
}

// x: in steps of 1 / (3 * 4096); table: logistic(i / 24) in 16 fraction bits, [256]; is_tanh:
// 2 * logistic(2 * x) - 1; bits: those of the function above.
XN_INLINE int16_t xn_sigmoid_16_line(int32_t x, const uint16_t *table, int32_t is_tanh,
                                     int32_t bits) {
    uint32_t size = (uint32_t)(x < 0 ? -x : x);
    uint32_t at = size >> bits, rest = size & ((1u << bits) - 1u);
    uint32_t y = is_tanh ? 0xFFFFu << 8 : 0x7FFFu << 10;
    if (at < 255) {
        uint32_t from = table[at];
        y = (from << bits) + rest * (table[at + 1] - from);
    }
    if (is_tanh) {
        int32_t above = (int32_t)y - (1 << 23);
        return (int16_t)((x >= 0 ? above + (1 << 7) : (1 << 7) - 1 - above) >> 8);
    }
    return (int16_t)((x >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1) >> 10);
}

XN_INLINE int16_t xn_sigmoid_16_of(int32_t x, const uint16_t *table, int32_t is_tanh) {
    return xn_sigmoid_16_line(x, table, is_tanh, xn_sigmoid_16_bits(is_tanh));
}

#endif
