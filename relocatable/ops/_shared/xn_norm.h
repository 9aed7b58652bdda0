// Roots of sums of squares, in floats and in fixed point.
#ifndef XN_NORM_H
#define XN_NORM_H

#include "ops/_shared/xn_math.h"
#include "ops/_shared/xn_scale.h"

// The square root of a sum of squares; within 1 ulp for x >= 1e-30.
static inline float xn_norm_root(float x) {
    if (!(x > 0.0f)) {
        return x;
    }
    float root = xn_bits_float((xn_float_bits(x) >> 1) + 0x1FBD1DF5u); // within 4 %
    for (int32_t i = 0; i < 4; i++) {
        root = 0.5f * (root + x / root);
    }
    return root;
}

// A factor as a multiplier and a right shift.
typedef struct xn_norm_factor {
    int32_t multiplier, right;
} xn_norm_factor;

// 1 / sqrt(sum), bit by bit as LiteRT's GetInvSqrtQuantizedMultiplierExp; sum >= 0.
static inline xn_norm_factor xn_norm_reciprocal(int32_t sum) {
    xn_norm_factor found = {INT32_MAX, 0};
    if (sum <= 1) {
        return found;
    }
    int32_t right = 11;
    while (sum >= 1 << 29) {
        sum /= 4;
        right++;
    }
    int32_t pairs = (__builtin_clz((uint32_t)sum) - 1) / 2 - 1;
    right -= pairs;
    sum <<= 2 * pairs;
    // Newton's method, 3 integer bits.
    int32_t half = xn_rounding_divide_by_pot(sum >> 1, 1), x = 1 << 28;
    for (int32_t i = 0; i < 5; i++) {
        int32_t square = xn_saturating_doubling_high_mul(x, x);
        int32_t cube = xn_saturating_shift_left(xn_saturating_doubling_high_mul(square, x), 6);
        x = xn_saturating_shift_left(xn_saturating_doubling_high_mul((1 << 28) + (1 << 27), x) -
                                         xn_saturating_doubling_high_mul(half, cube),
                                     3);
    }
    found.multiplier = xn_saturating_doubling_high_mul(x, 1518500250); // sqrt(2) / 2
    found.multiplier <<= right < 0 ? -right : 0;
    found.right = right < 0 ? 0 : right;
    return found;
}

#endif
