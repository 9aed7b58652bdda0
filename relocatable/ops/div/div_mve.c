// DIV of bytes for Helium, with broadcast. Either input may be overwritten by the output.
#include "ops/_shared/xn_eight.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/div/xn_quotient.h"

typedef xn_quotient XN_NAME(xn_quotient_mve_params);

XN_KERNEL void XN_NAME(xn_quotient_mve)(const XN_T *in_a, const XN_T *in_b, const int32_t *slopes,
                                        XN_T *out, const xn_quotient *p) {
    XN_BROADCAST_BLOCKS(&p->shape, 8, {
        int16x8_t x = XN_EIGHT(in_a + a, p->shape.a_stride[3], count);
        uint16x8_t y =
            (uint16x8_t)xn_eight_of_u8((const uint8_t *)in_b + b, p->shape.b_stride[3], count);
        x = vshlq_n_s16(vsubq_n_s16(x, (int16_t)p->a_zero), XN_QUOTIENT_LIFT);
        int32x4_t even = vldrwq_gather_shifted_offset_s32(slopes, vmovlbq_u16(y));
        int32x4_t odd = vldrwq_gather_shifted_offset_s32(slopes, vmovltq_u16(y));
        // The upper word of a product by 2^16.
        even = vaddq_n_s32(vmulhq_s32(even, vshllbq_n_s16(x, 16)), XN_QUOTIENT_HALF(0));
        odd = vaddq_n_s32(vmulhq_s32(odd, vshlltq_n_s16(x, 16)), XN_QUOTIENT_HALF(0));
        x = vqshrnbq_n_s32(x, even, XN_QUOTIENT_BITS);
        x = vqshrntq_n_s32(x, odd, XN_QUOTIENT_BITS);
        xn_eight_store(out, xn_eight_clamp(x, p->out_zero, p->low, p->high), count);
        out += count;
    })
}
