// Comparisons of bytes with limits for Helium, with broadcast.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_eight.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/compare/xn_relation.h"

typedef struct {
    xn_broadcast shape;
    int32_t relation; // enum xn_relation
} XN_NAME(xn_compare_limits_mve_params);

XN_INLINE mve_pred16_t XN_NAME(compare_mve)(int16x8_t x, int16x8_t limit, int32_t relation) {
    switch (relation) {
    case XN_BELOW:
        return vcmpltq_s16(x, limit);
    case XN_ABOVE:
        return vcmpgtq_s16(x, limit);
    case XN_SAME:
        return vcmpeqq_s16(x, limit);
    default:
        return vcmpneq_s16(x, limit);
    }
}

// limits: as in xn_compare_limits.
XN_KERNEL void XN_NAME(xn_compare_limits_mve)(const XN_T *in_a, const XN_T *in_b,
                                              const int16_t *limits, uint8_t *out,
                                              const XN_NAME(xn_compare_limits_mve_params) * p) {
    XN_BROADCAST_BLOCKS(&p->shape, 8, {
        int16x8_t x = p->relation >= XN_SAME
                          ? xn_eight_of_u8((const uint8_t *)in_a + a, p->shape.a_stride[3], count)
                          : XN_EIGHT(in_a + a, p->shape.a_stride[3], count);
        int16x8_t y = xn_eight_of_u8((const uint8_t *)in_b + b, p->shape.b_stride[3], count);
        int16x8_t limit = vldrhq_gather_shifted_offset_s16(limits, (uint16x8_t)y);
        mve_pred16_t is_true = XN_NAME(compare_mve)(x, limit, p->relation);
        int16x8_t result = vpselq_s16(vdupq_n_s16(1), vdupq_n_s16(0), is_true);
        xn_eight_store(out, result, count);
        out += count;
    })
}
