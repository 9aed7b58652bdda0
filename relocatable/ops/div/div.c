// DIV of scaled integers, with broadcast. Either input may be overwritten by the output.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_reciprocal.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    xn_broadcast shape;
    int32_t a_zero, b_zero, out_zero;
    int32_t multiplier, shift;
    int32_t low, high; // clamp of the output
} XN_NAME(xn_scaled_div_params);

// The quotient by zero is 0.
static inline XN_T XN_NAME(scaled_div)(int32_t a, int32_t b,
                                       const XN_NAME(xn_scaled_div_params) * p) {
    a -= p->a_zero;
    b -= p->b_zero;
    if (b == 0) {
        return (XN_T)xn_clamp(p->out_zero, p->low, p->high);
    }
    a = b < 0 ? -a : a;
    uint32_t divisor = (uint32_t)(b < 0 ? -b : b);
    int32_t unused = __builtin_clz(divisor);
    int32_t inverse = xn_reciprocal((int32_t)((divisor << unused) - (1u << 31)));
    int32_t room = __builtin_clrsb(a);
    int32_t quotient = xn_saturating_doubling_high_mul((int32_t)((uint32_t)a << room), inverse);
    quotient = xn_saturating_doubling_high_mul(quotient, p->multiplier);
    int32_t right = xn_min(room + 31 - unused - p->shift, 31);
    return (XN_T)xn_clamp(xn_rounding_divide_by_pot(quotient, right) + p->out_zero, p->low,
                          p->high);
}

XN_KERNEL void XN_NAME(xn_scaled_div)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                                      const XN_NAME(xn_scaled_div_params) * p) {
    XN_BROADCAST_EACH(&p->shape, *out++ = XN_NAME(scaled_div)(in_a[a], in_b[b], p))
}
