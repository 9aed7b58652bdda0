// Sums of int8 values as TFLite Micro computes them (micro_sum.py).
#ifndef XN_MICRO_SUM_H
#define XN_MICRO_SUM_H

#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    int32_t zero;
    int32_t multiplier, shift; // of sums that are raised by 2^19 to the output's scale
    int32_t out_zero;
} xn_micro_sum;

// The output for a sum of values, each less the zero point.
static inline int8_t xn_micro_sum_output(int32_t sum, const xn_micro_sum *p) {
    int32_t wide = (int32_t)((uint32_t)(sum - p->zero) << 19);
    int32_t y = xn_multiply_by_smaller_than_one(wide, p->multiplier, p->shift) + p->out_zero;
    return (int8_t)xn_clamp(y, -128, 127);
}

#endif
