// DIV of scaled integers, with broadcast. Either input may be overwritten by the output.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_reciprocal.h"
#include "ops/_shared/xn_scale.h"
#include "ops/div/xn_quotient.h"

typedef struct {
    xn_broadcast shape;
    int32_t a_zero, b_zero, out_zero;
    int32_t multiplier, shift;
    int32_t low, high; // clamp of the output
} XN_NAME(xn_scaled_div_params);

// inverse: of the highest bits of the divisor's magnitude; 0 for zero, whose quotient is 0.
XN_INLINE XN_T XN_NAME(scaled_div)(int32_t a, int32_t b, int32_t inverse,
                                   const XN_NAME(xn_scaled_div_params) * p) {
    a = b < 0 ? p->a_zero - a : a - p->a_zero;
    int32_t unused = __builtin_clz((uint32_t)(b < 0 ? -b : b) | 1u);
    int32_t room = __builtin_clrsb(a);
    int32_t quotient = xn_saturating_doubling_high_mul((int32_t)((uint32_t)a << room), inverse);
    quotient = xn_saturating_doubling_high_mul(quotient, p->multiplier);
    int32_t right = xn_min(room + 31 - unused - p->shift, 31);
    return (XN_T)xn_clamp(xn_rounding_divide_by_pot(quotient, right) + p->out_zero, p->low,
                          p->high);
}

static inline int32_t XN_NAME(inverse)(int32_t b) {
    uint32_t divisor = (uint32_t)(b < 0 ? -b : b);
    return b == 0 ? 0 : xn_reciprocal((int32_t)((divisor << __builtin_clz(divisor)) - (1u << 31)));
}

XN_KERNEL void XN_NAME(xn_scaled_div)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                                      const XN_NAME(xn_scaled_div_params) * p) {
    XN_BROADCAST_EACH(&p->shape, {
        int32_t divisor = in_b[b] - p->b_zero;
        *out++ = XN_NAME(scaled_div)(in_a[a], divisor, XN_NAME(inverse)(divisor), p);
    })
}

typedef xn_quotient XN_NAME(xn_quotient_params);

// As xn_scaled_div, shorter; of bytes.
XN_KERNEL void XN_NAME(xn_quotient)(const XN_T *in_a, const XN_T *in_b, const int32_t *slopes,
                                    XN_T *out, const xn_quotient *p) {
    XN_BROADCAST_EACH(&p->shape, {
        int64_t x = (in_a[a] - p->a_zero) * (1 << XN_QUOTIENT_LIFT);
        int32_t y = (int32_t)(slopes[(uint8_t)in_b[b]] * x >> 16) + XN_QUOTIENT_HALF(p->out_zero);
        *out++ = (XN_T)xn_clamp(y >> XN_QUOTIENT_BITS, p->low, p->high);
    })
}
