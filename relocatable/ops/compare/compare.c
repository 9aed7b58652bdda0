// Comparisons of values of 8 and 16 bits whose scales count, with broadcast.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"
#include "ops/compare/xn_relation.h"

typedef struct {
    xn_broadcast shape;
    int32_t relation; // enum xn_relation
} XN_NAME(xn_compare_limits_params);

// limits: for each second operand, by its bits as unsigned, what the first is compared with; for
// SAME and OTHER its bits as unsigned.
XN_KERNEL void XN_NAME(xn_compare_limits)(const XN_T *in_a, const XN_T *in_b, const int16_t *limits,
                                          uint8_t *out,
                                          const XN_NAME(xn_compare_limits_params) * p) {
    XN_BROADCAST_BLOCKS(&p->shape, 8, {
        _Pragma("clang loop unroll(full)") for (int32_t k = 0; k < count; k++) {
            XN_T first = in_a[a + k * p->shape.a_stride[3]];
            int32_t x = p->relation >= XN_SAME ? (uint8_t)first : first;
            int32_t limit = limits[(uint8_t)in_b[b + k * p->shape.b_stride[3]]];
            out[k] = xn_is_related(x, limit, p->relation);
        }
        out += count;
    })
}

typedef struct {
    xn_broadcast shape;
    int32_t relation;
    int32_t a_zero, a_multiplier, a_shift; // to the steps that are compared
    int32_t b_zero, b_multiplier, b_shift;
} XN_NAME(xn_compare_scaled_params);

XN_KERNEL void XN_NAME(xn_compare_scaled)(const XN_T *in_a, const XN_T *in_b, uint8_t *out,
                                          const XN_NAME(xn_compare_scaled_params) * p) {
    XN_BROADCAST_EACH(&p->shape, {
        int32_t x = (in_a[a] - p->a_zero) * (1 << 8);
        int32_t y = (in_b[b] - p->b_zero) * (1 << 8);
        x = xn_multiply_by_smaller_than_one(x, p->a_multiplier, p->a_shift);
        y = xn_multiply_by_smaller_than_one(y, p->b_multiplier, p->b_shift);
        // Both are of either sign, and of fewer than 30 bits.
        *out++ = xn_is_related(x + (1 << 30), y + (1 << 30), p->relation);
    })
}
