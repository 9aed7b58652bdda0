// PRELU, with broadcast of the slopes. The input may be overwritten.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    xn_broadcast shape;
#if !XN_IS_FLOAT
    int32_t in_zero, slope_zero, out_zero;
    int32_t multiplier, shift;             // of values from zero on
    int32_t below_multiplier, below_shift; // of products with a slope
#endif
} XN_NAME(xn_prelu_params);

XN_INLINE XN_T XN_NAME(prelu)(XN_WIDE x, XN_WIDE slope, const XN_NAME(xn_prelu_params) * p) {
#if XN_IS_FLOAT
    (void)p;
    return x >= 0.0f ? x : x * slope;
#else
    x -= p->in_zero;
    int32_t y = x >= 0 ? xn_multiply_by_quantized_multiplier(x, p->multiplier, p->shift)
                       : xn_multiply_by_quantized_multiplier(x * (slope - p->slope_zero),
                                                             p->below_multiplier, p->below_shift);
    return (XN_T)xn_clamp(y + p->out_zero, XN_T_MIN, XN_T_MAX);
#endif
}

// The slopes of int16 are int8.
typedef __typeof__(_Generic((XN_T)0, int16_t: (int8_t)0, default: (XN_T)0)) XN_NAME(prelu_slope);

XN_KERNEL void XN_NAME(xn_prelu)(const XN_T *in_a, const XN_NAME(prelu_slope) * in_b, XN_T *out,
                                 const XN_NAME(xn_prelu_params) * p) {
    XN_BROADCAST_EACH(&p->shape, *out++ = XN_NAME(prelu)(in_a[a], in_b[b], p))
}
