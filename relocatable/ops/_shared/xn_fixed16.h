// Logistic and tanh of 16-bit fixed-point values, bit by bit as gemmlowp's, which LiteRT uses.
#ifndef XN_FIXED16_H
#define XN_FIXED16_H

#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

// round(a * b / 2^15), halves upwards; not both are INT16_MIN.
static inline int32_t xn_fixed16_multiply(int32_t a, int32_t b) {
    return (a * b + (1 << 14)) >> 15;
}

// x * 2^n, saturating.
static inline int32_t xn_fixed16_shift_left(int32_t x, int32_t n) {
    int32_t most = (1 << (15 - n)) - 1;
    return x > most ? INT16_MAX : x < -most ? INT16_MIN : (int32_t)((uint32_t)x << n);
}

// e^a for a in [-1/4, 0), of 15 fractional bits.
static inline int32_t xn_fixed16_exp_quarter(int32_t a) {
    int32_t x = a + (1 << 12);
    int32_t x2 = xn_fixed16_multiply(x, x);
    int32_t x3 = xn_fixed16_multiply(x2, x);
    int32_t x4 = xn_fixed16_multiply(x2, x2);
    int32_t sum = xn_rounding_divide_by_pot(x4, 2) + x3;
    int32_t rest = xn_rounding_divide_by_pot(xn_fixed16_multiply(sum, 10923) + x2, 1);
    return xn_min(28918 + xn_fixed16_multiply(28918, x + rest), INT16_MAX);
}

// e^a for a <= 0 of `whole` integer bits, 1 to 7; the result has none.
static inline int32_t xn_fixed16_exp(int32_t a, int32_t whole) {
    // e^-(2^i) for i from -2 on, of 15 fractional bits.
    const int32_t powers[] = {25520, 19875, 12055, 4435, 600, 11, 0};
    if (a == 0) {
        return INT16_MAX;
    }
    int32_t one = 1 << (15 - whole);
    if (whole > 5 && a < -32 * one) {
        return 0;
    }
    int32_t quarter = one >> 2;
    int32_t rest = (a & (quarter - 1)) - quarter;
    int32_t result = xn_fixed16_exp_quarter(xn_fixed16_shift_left(rest, whole));
    int32_t left = rest - a;
    for (int32_t i = 0; i < xn_min(whole + 2, 7); i++) {
        if (left & (quarter << i)) {
            result = xn_fixed16_multiply(result, powers[i]);
        }
    }
    return result;
}

// 2 / (1 + a) for a in [0, 1), of 2 integer bits: three steps of Newton.
static inline int32_t xn_fixed16_two_over_one_plus(int32_t a) {
    int32_t half = (a + INT16_MAX + 1) / 2;
    int32_t x = 23130 + xn_fixed16_multiply(half, -15420);
    for (int32_t i = 0; i < 3; i++) {
        int32_t error = (1 << 13) - xn_fixed16_multiply(half, x);
        x += xn_fixed16_shift_left(xn_fixed16_multiply(x, error), 2);
    }
    return x;
}

// 1 / (1 + e^-a) for a of 3 integer bits; the result has none.
static inline int32_t xn_fixed16_logistic(int32_t a) {
    if (a == 0) {
        return 1 << 14;
    }
    int32_t power = xn_fixed16_exp(a > 0 ? -a : a, 3);
    int32_t y = xn_fixed16_shift_left(xn_fixed16_two_over_one_plus(power), 1);
    return a > 0 ? y : INT16_MAX - y;
}

// tanh of a of `whole` integer bits, 0 to 6; the result has none.
static inline int32_t xn_fixed16_tanh(int32_t a, int32_t whole) {
    if (a == 0) {
        return 0;
    }
    int32_t power = xn_fixed16_exp(a > 0 ? -a : a, whole + 1);
    int32_t y = xn_fixed16_shift_left(xn_fixed16_two_over_one_plus(power) - (1 << 13), 2);
    return a > 0 ? y : -y;
}

#endif
