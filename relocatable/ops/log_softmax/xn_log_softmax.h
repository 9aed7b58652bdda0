// The logarithm of LOG_SOFTMAX of bytes, in the steps of LiteRT's reference.
#ifndef XN_LOG_SOFTMAX_H
#define XN_LOG_SOFTMAX_H

#include "ops/_shared/xn_reciprocal.h"

// Logarithm, in q5, of a sum in q12 that is 1 or more.
static inline int32_t xn_log_softmax_log(int32_t sum) {
    const int32_t log_2 = 1488522236, sqrt_half = 1518500250, fourth_root_of_half = 1805811301;
    const int32_t quarter = 1 << 23; // in q6
    // The sum is 2^n * rest, by either of two cuts, of which the smaller rest counts.
    int32_t zeros = __builtin_clz((uint32_t)sum);
    int32_t rest = xn_saturating_doubling_high_mul(sum << (zeros - 1), sqrt_half);
    rest = xn_saturating_shift_left(rest, 1);
    int32_t power = (12 - zeros) * (1 << 25) + quarter;
    int32_t shift = __builtin_clz((uint32_t)xn_saturating_doubling_high_mul(sum, sqrt_half)) - 1;
    rest = xn_min(rest, xn_saturating_shift_left(sum, shift));
    power = xn_max(power, (12 - shift) * (1 << 25) - quarter);
    // The logarithm of the rest is a quotient of polynomials in q, which is around 0.
    int32_t p = (int32_t)(((uint32_t)rest + (uint32_t)fourth_root_of_half + 1) >> 1);
    int32_t q = (rest - fourth_root_of_half) * 2;
    int32_t q2 = xn_saturating_doubling_high_mul(q, q);
    int32_t q3 = xn_saturating_doubling_high_mul(q, q2);
    int32_t over =
        xn_saturating_doubling_high_mul(q, rest) + xn_saturating_doubling_high_mul(q3, 117049297);
    int32_t under = 1057819769 + q + xn_saturating_doubling_high_mul(127690142, q2);
    under =
        xn_saturating_doubling_high_mul(p, under) + xn_saturating_doubling_high_mul(638450708, q);
    int32_t part =
        xn_saturating_doubling_high_mul(xn_rounding_divide_by_pot(over, 6), xn_reciprocal(under));
    return (xn_saturating_doubling_high_mul(power, log_2) + part) * 2;
}

#endif
