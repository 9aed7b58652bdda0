// SQUARED_DIFFERENCE of int8 for Helium, with broadcast. Either input may be overwritten.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_eight.h"
#include "ops/_shared/xn_kernel.h"

typedef struct {
    xn_broadcast shape;
    int32_t out_zero, out_multiplier, out_shift;
} XN_NAME(xn_scaled_difference_mve_params);

// steps_a, steps_b: the operands' values in the common scale, by their bits as unsigned.
XN_KERNEL void
XN_NAME(xn_scaled_difference_mve)(const XN_T *in_a, const XN_T *in_b, const int16_t *steps_a,
                                  const int16_t *steps_b, XN_T *out,
                                  const XN_NAME(xn_scaled_difference_mve_params) * p) {
    XN_BROADCAST_BLOCKS(&p->shape, 8, {
        int16x8_t x = xn_eight_of_u8((const uint8_t *)in_a + a, p->shape.a_stride[3], count);
        int16x8_t y = xn_eight_of_u8((const uint8_t *)in_b + b, p->shape.b_stride[3], count);
        x = vldrhq_gather_shifted_offset_s16(steps_a, (uint16x8_t)x);
        y = vldrhq_gather_shifted_offset_s16(steps_b, (uint16x8_t)y);
        x = vsubq_s16(x, y);
        int32x4_t even = vqrdmulhq_n_s32(vmullbq_int_s16(x, x), p->out_multiplier);
        int32x4_t odd = vqrdmulhq_n_s32(vmulltq_int_s16(x, x), p->out_multiplier);
        even = vrshlq_n_s32(even, p->out_shift); // squares are not below 0
        odd = vrshlq_n_s32(odd, p->out_shift);
        xn_eight_store(out, xn_eight_join(even, odd, p->out_zero, XN_T_MIN, XN_T_MAX), count);
        out += count;
    })
}
