// Reciprocals in fixed point.
#ifndef XN_RECIPROCAL_H
#define XN_RECIPROCAL_H

#include "ops/_shared/xn_scale.h"
#include <stdint.h>

// Fixed point numbers are named by their integer bits: q0 is [-1, 1) in 31 fraction bits, q2 [-4,
// 4).
#define XN_RECIPROCAL_Q0_ONE INT32_MAX
#define XN_RECIPROCAL_Q2_ONE (1 << 29)
#define XN_RECIPROCAL_Q2_48_OVER_17 1515870810
#define XN_RECIPROCAL_Q2_MINUS_32_OVER_17 (-1010580540)

// 1 / (1 + x) in q0 for x of q0 in [0, 1): Newton's method from 48/17 - 32/17 d, three times.
static inline int32_t xn_reciprocal(int32_t x) {
    int32_t half = (int32_t)(((int64_t)x + XN_RECIPROCAL_Q0_ONE + 1) / 2);
    int32_t y = XN_RECIPROCAL_Q2_48_OVER_17 +
                xn_saturating_doubling_high_mul(half, XN_RECIPROCAL_Q2_MINUS_32_OVER_17);
    for (int32_t i = 0; i < 3; i++) {
        int32_t rest = XN_RECIPROCAL_Q2_ONE - xn_saturating_doubling_high_mul(half, y);
        y += xn_saturating_shift_left(xn_saturating_doubling_high_mul(y, rest), 2);
    }
    return xn_saturating_shift_left(y, 1);
}

#endif
