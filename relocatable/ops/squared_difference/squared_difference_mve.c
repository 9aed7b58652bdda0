// SQUARED_DIFFERENCE of int8 for Helium, with broadcast. Either input may be overwritten.
#include "ops/_shared/xn_eight.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/squared_difference/xn_difference.h"

typedef xn_difference XN_NAME(xn_difference_mve_params);

XN_KERNEL void XN_NAME(xn_difference_mve)(const XN_T *in_a, const XN_T *in_b, const int16_t *steps,
                                          XN_T *out, const xn_difference *p) {
    XN_BROADCAST_BLOCKS(&p->shape, 8, {
        const XN_T *fine = p->is_second ? in_b + b : in_a + a;
        const XN_T *coarse = p->is_second ? in_a + a : in_b + b;
        const int32_t *stride = p->is_second ? p->shape.b_stride : p->shape.a_stride;
        const int32_t *other = p->is_second ? p->shape.a_stride : p->shape.b_stride;
        int16x8_t x = xn_eight_of_u8((const uint8_t *)fine, stride[3], count);
        int16x8_t y = XN_EIGHT(coarse, other[3], count);
        x = vldrhq_gather_shifted_offset_s16(steps, (uint16x8_t)x);
        x = vsubq_s16(x, vshlq_n_s16(y, 6));
        int32x4_t even = vqrdmulhq_n_s32(vmullbq_int_s16(x, x), p->multiplier);
        int32x4_t odd = vqrdmulhq_n_s32(vmulltq_int_s16(x, x), p->multiplier);
        x = xn_eight_narrow(even, odd, p->right); // squares are not below 0
        xn_eight_store(out, xn_eight_clamp(x, p->zero, XN_T_MIN, XN_T_MAX), count);
        out += count;
    })
}
