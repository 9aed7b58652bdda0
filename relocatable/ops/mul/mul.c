// MUL, with broadcast. Either input may be overwritten by the output.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    xn_broadcast shape;
#if !XN_IS_FLOAT
    int32_t a_zero, b_zero, out_zero;
    int32_t multiplier, shift;
#endif
    XN_WIDE low, high; // clamp of the output
} XN_NAME(xn_mul_params);

static inline XN_T XN_NAME(mul)(XN_WIDE a, XN_WIDE b, const XN_NAME(xn_mul_params) * p) {
#if XN_IS_FLOAT
    XN_WIDE product = a * b;
#else
    XN_WIDE product = (a - p->a_zero) * (b - p->b_zero);
    product = xn_multiply_by_quantized_multiplier(product, p->multiplier, p->shift) + p->out_zero;
#endif
    return (XN_T)XN_CLAMP(product, p->low, p->high);
}

XN_KERNEL void XN_NAME(xn_mul)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                               const XN_NAME(xn_mul_params) * p) {
    XN_BROADCAST_EACH(&p->shape, *out++ = XN_NAME(mul)(in_a[a], in_b[b], p))
}
