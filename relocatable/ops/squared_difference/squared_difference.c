// SQUARED_DIFFERENCE of 8-bit and 16-bit values, with broadcast. Either input may be overwritten.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"
#include "ops/squared_difference/xn_difference.h"

typedef struct {
    xn_broadcast shape;
    int32_t a_zero, b_zero, out_zero;
    int32_t a_multiplier, a_shift; // to the common scale, times 2^7; of int16 1
    int32_t b_multiplier, b_shift;
    int32_t out_multiplier, out_shift;
} XN_NAME(xn_scaled_difference_params);

static inline XN_T XN_NAME(scaled_difference)(int32_t a, int32_t b,
                                              const XN_NAME(xn_scaled_difference_params) * p) {
    const int32_t lift = sizeof(XN_T) == 1 ? 1 << 7 : 1;
    int32_t x = (a - p->a_zero) * lift, y = (b - p->b_zero) * lift;
    x = xn_multiply_by_smaller_than_one(x, p->a_multiplier, p->a_shift);
    y = xn_multiply_by_smaller_than_one(y, p->b_multiplier, p->b_shift);
    int32_t square = (x - y) * (x - y);
    square = sizeof(XN_T) == 1
                 ? xn_multiply_by_smaller_than_one(square, p->out_multiplier, p->out_shift)
                 : xn_multiply_by_quantized_multiplier(square, p->out_multiplier, p->out_shift);
    return (XN_T)xn_clamp(square + p->out_zero, XN_T_MIN, XN_T_MAX);
}

XN_KERNEL void XN_NAME(xn_scaled_difference)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                                             const XN_NAME(xn_scaled_difference_params) * p) {
    XN_BROADCAST_EACH(&p->shape, *out++ = XN_NAME(scaled_difference)(in_a[a], in_b[b], p))
}

typedef struct {
    xn_broadcast shape;
    int32_t offset; // of the table's middle: it has the results for all differences
} XN_NAME(xn_difference_table_params);

// As xn_scaled_difference, for inputs of one scale.
XN_KERNEL void XN_NAME(xn_difference_table)(const XN_T *in_a, const XN_T *in_b, const XN_T *table,
                                            XN_T *out,
                                            const XN_NAME(xn_difference_table_params) * p) {
    const XN_T *middle = table + p->offset;
    XN_BROADCAST_EACH(&p->shape, *out++ = middle[in_a[a] - in_b[b]])
}

typedef xn_difference XN_NAME(xn_difference_params);

// As xn_scaled_difference, shorter; of int8.
XN_KERNEL void XN_NAME(xn_difference)(const XN_T *in_a, const XN_T *in_b, const int16_t *steps,
                                      XN_T *out, const xn_difference *p) {
    XN_BROADCAST_EACH(&p->shape, {
        int32_t fine = p->is_second ? in_b[b] : in_a[a];
        int32_t coarse = p->is_second ? in_a[a] : in_b[b];
        int32_t difference = steps[(uint8_t)fine] - coarse * 64;
        int32_t square =
            xn_multiply_by_smaller_than_one(difference * difference, p->multiplier, -p->right);
        *out++ = (XN_T)xn_clamp(square + p->zero, XN_T_MIN, XN_T_MAX);
    })
}
