// ADD and SUB, with broadcast. Either input may be overwritten by the output.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

#if XN_IS_FLOAT
typedef struct {
    xn_broadcast shape;
    float sign; // of the second operand: 1 adds, -1 subtracts
    float low, high;
} XN_NAME(xn_add_params);

static inline float XN_NAME(add)(float a, float b, const XN_NAME(xn_add_params) * p) {
    return xn_clampf(a + p->sign * b, p->low, p->high);
}
#else
typedef struct {
    xn_broadcast shape;
    int32_t sign; // of the second operand: 1 adds, -1 subtracts
    int32_t a_zero, b_zero, out_zero;
    int32_t a_multiplier, a_shift; // to the common scale, times 2^20; of int16 2^15
    int32_t b_multiplier, b_shift;
    int32_t out_multiplier, out_shift;
    int32_t low, high; // clamp of the output
} XN_NAME(xn_add_params);

static inline XN_T XN_NAME(add)(int32_t a, int32_t b, const XN_NAME(xn_add_params) * p) {
    const int32_t lift = 1 << (sizeof(XN_T) == 1 ? 20 : 15);
    int32_t x = (a - p->a_zero) * lift, y = (b - p->b_zero) * lift;
    x = xn_multiply_by_smaller_than_one(x, p->a_multiplier, p->a_shift);
    y = xn_multiply_by_smaller_than_one(y, p->b_multiplier, p->b_shift);
    int32_t sum =
        xn_multiply_by_quantized_multiplier(x + p->sign * y, p->out_multiplier, p->out_shift);
    return (XN_T)xn_clamp(sum + p->out_zero, p->low, p->high);
}

typedef struct {
    xn_broadcast shape;
    int32_t a_factor, b_factor; // times 2^shift
    int32_t round, shift;       // the zero points are part of round
    int32_t low, high;          // clamp of the output
} XN_NAME(xn_add_affine_params);

static inline XN_T XN_NAME(add_affine)(int32_t a, int32_t b,
                                       const XN_NAME(xn_add_affine_params) * p) {
    int32_t sum = a * p->a_factor + p->round + b * p->b_factor;
    return (XN_T)xn_clamp(sum >> p->shift, p->low, p->high);
}

// As xn_add, shorter; for scales with factors that the compiler has found to give the same for all
// pairs of values.
XN_KERNEL void XN_NAME(xn_add_affine)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                                      const XN_NAME(xn_add_affine_params) * p) {
    XN_HIDE(in_a);
    XN_HIDE(in_b);
    XN_HIDE(out);
    XN_BROADCAST_EACH(&p->shape, *out++ = XN_NAME(add_affine)(in_a[a], in_b[b], p))
}

typedef struct {
    xn_broadcast shape;
    int32_t sign;             // of the second operand: 1 adds, -1 subtracts
    int32_t a_shift, b_shift; // to the right, to the output's scale
    int32_t low, high;        // clamp of the output
} XN_NAME(xn_add_shifted_params);

static inline XN_T XN_NAME(add_shifted)(int32_t a, int32_t b,
                                        const XN_NAME(xn_add_shifted_params) * p) {
    int32_t y = xn_rounding_divide_by_pot(b, p->b_shift);
    return (XN_T)xn_clamp(xn_rounding_divide_by_pot(a, p->a_shift) + p->sign * y, p->low, p->high);
}

// As xn_add, of int16 whose scales are powers of two.
XN_KERNEL void XN_NAME(xn_add_shifted)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                                       const XN_NAME(xn_add_shifted_params) * p){
    XN_BROADCAST_EACH(&p -> shape, *out++ = XN_NAME(add_shifted)(in_a[a], in_b[b], p))}
#endif

XN_KERNEL void XN_NAME(xn_add)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                               const XN_NAME(xn_add_params) * p) {
    XN_BROADCAST_EACH(&p->shape, *out++ = XN_NAME(add)(in_a[a], in_b[b], p))
}
