// PRELU of bytes for Helium, with broadcast of the slopes. The input may be overwritten.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_eight.h"
#include "ops/_shared/xn_kernel.h"

typedef struct {
    xn_broadcast shape;
    int32_t in_zero, slope_zero, out_zero;
    int32_t below_multiplier, below_shift; // of products with a slope
} XN_NAME(xn_prelu_mve_params);

// above: results by the input's bits as unsigned, for values from zero on.
XN_KERNEL void XN_NAME(xn_prelu_mve)(const XN_T *in_a, const XN_T *in_b, const XN_T *above,
                                     XN_T *out, const XN_NAME(xn_prelu_mve_params) * p) {
    XN_BROADCAST_BLOCKS(&p->shape, 8, {
        int16x8_t bits = xn_eight_of_u8((const uint8_t *)in_a + a, p->shape.a_stride[3], count);
        int16x8_t x = XN_T_MIN < 0 ? vmovlbq_s8((int8x16_t)bits) : bits;
        int16x8_t slope = XN_EIGHT(in_b + b, p->shape.b_stride[3], count);
        x = vsubq_n_s16(x, (int16_t)p->in_zero);
        slope = vsubq_n_s16(slope, (int16_t)p->slope_zero);
        int16x8_t below = xn_eight_scale(vmullbq_int_s16(x, slope), vmulltq_int_s16(x, slope),
                                         p->below_multiplier, p->below_shift);
        below = xn_eight_clamp(below, p->out_zero, XN_T_MIN, XN_T_MAX);
        int16x8_t other =
            (int16x8_t)vldrbq_gather_offset_u16((const uint8_t *)above, (uint16x8_t)bits);
        xn_eight_store(out, vpselq_s16(other, below, vcmpgeq_n_s16(x, 0)), count);
        out += count;
    })
}
