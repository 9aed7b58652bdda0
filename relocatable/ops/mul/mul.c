// MUL, with broadcast. Either input may be overwritten by the output.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct xn_mul_8_params {
    xn_broadcast shape;
    int32_t is_signed;
    int32_t a_zero, b_zero, out_zero;
    int32_t multiplier, shift;
    int32_t low, high; // clamp of the output
} xn_mul_8_params;

static inline uint8_t mul_8(const uint8_t *a, const uint8_t *b, const xn_mul_8_params *p) {
    int32_t x = xn_load_8(a, p->is_signed) - p->a_zero;
    int32_t y = xn_load_8(b, p->is_signed) - p->b_zero;
    int32_t product = xn_scale_twice(x * y, p->multiplier, p->shift) + p->out_zero;
    return (uint8_t)xn_clamp(product, p->low, p->high);
}

// a, b: int8 or uint8; out: the same type.
XN_KERNEL void xn_mul_8(const uint8_t *in_a, const uint8_t *in_b, uint8_t *out,
                        const xn_mul_8_params *p) {
    XN_BROADCAST_EACH(&p->shape, *out++ = mul_8(in_a + a, in_b + b, p))
}

typedef struct xn_mul_f32_params {
    xn_broadcast shape;
    float low, high;
} xn_mul_f32_params;

XN_KERNEL void xn_mul_f32(const float *in_a, const float *in_b, float *out,
                          const xn_mul_f32_params *p) {
    XN_BROADCAST_EACH(&p->shape, *out++ = xn_clampf(in_a[a] * in_b[b], p->low, p->high))
}
