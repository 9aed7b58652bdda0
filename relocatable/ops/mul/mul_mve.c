// MUL of bytes for Helium, with broadcast. Either input may be overwritten by the output.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_eight.h"
#include "ops/_shared/xn_kernel.h"

typedef struct {
    xn_broadcast shape;
    int32_t a_zero, b_zero, out_zero;
    int32_t multiplier, shift;
    int32_t low, high; // clamp of the output
} XN_NAME(xn_mul_mve_params);

XN_KERNEL void XN_NAME(xn_mul_mve)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                                   const XN_NAME(xn_mul_mve_params) * p) {
    XN_BROADCAST_BLOCKS(&p->shape, 8, {
        int16x8_t x = XN_EIGHT(in_a + a, p->shape.a_stride[3], count);
        int16x8_t y = XN_EIGHT(in_b + b, p->shape.b_stride[3], count);
        x = vsubq_n_s16(x, (int16_t)p->a_zero);
        y = vsubq_n_s16(y, (int16_t)p->b_zero);
        x = xn_eight_scale(vmullbq_int_s16(x, y), vmulltq_int_s16(x, y), p->multiplier, p->shift);
        xn_eight_store(out, xn_eight_clamp(x, p->out_zero, p->low, p->high), count);
        out += count;
    })
}
