// ADD and SUB, with broadcast. Either input may be overwritten by the output.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct xn_add_8_params {
    xn_broadcast shape;
    int32_t is_signed;
    int32_t sign; // of the second operand: 1 adds, -1 subtracts
    int32_t a_zero, b_zero, out_zero;
    int32_t a_multiplier, a_shift; // to the common scale, times 2^20
    int32_t b_multiplier, b_shift;
    int32_t out_multiplier, out_shift;
    int32_t low, high; // clamp of the output
} xn_add_8_params;

#define XN_ADD_LEFT_SHIFT 20

static inline uint8_t add_8(const uint8_t *a, const uint8_t *b, const xn_add_8_params *p) {
    int32_t x = (xn_load_8(a, p->is_signed) - p->a_zero) * (1 << XN_ADD_LEFT_SHIFT);
    int32_t y = (xn_load_8(b, p->is_signed) - p->b_zero) * (1 << XN_ADD_LEFT_SHIFT);
    x = xn_round_shift(xn_high_mul(x, p->a_multiplier), -p->a_shift);
    y = xn_round_shift(xn_high_mul(y, p->b_multiplier), -p->b_shift);
    int32_t sum = xn_scale_twice(x + p->sign * y, p->out_multiplier, p->out_shift) + p->out_zero;
    return (uint8_t)xn_clamp(sum, p->low, p->high);
}

// a, b: int8 or uint8; out: the same type.
XN_KERNEL void xn_add_8(const uint8_t *in_a, const uint8_t *in_b, uint8_t *out,
                        const xn_add_8_params *p) {
    XN_BROADCAST_EACH(&p->shape, *out++ = add_8(in_a + a, in_b + b, p))
}

typedef struct xn_add_line_8_params {
    xn_broadcast shape;
    int32_t is_signed;
    int32_t a_factor, b_factor; // times 2^shift
    int32_t round, shift;       // the zero points are part of round
    int32_t low, high;          // clamp of the output
} xn_add_line_8_params;

static inline uint8_t add_line_8(const uint8_t *a, const uint8_t *b,
                                 const xn_add_line_8_params *p) {
    int32_t sum = xn_load_8(a, p->is_signed) * p->a_factor + p->round;
    sum += xn_load_8(b, p->is_signed) * p->b_factor;
    return (uint8_t)xn_clamp(sum >> p->shift, p->low, p->high);
}

// As xn_add_8, shorter; for scales where the compiler has found factors that give the same for all
// pairs of values.
XN_KERNEL void xn_add_line_8(const uint8_t *in_a, const uint8_t *in_b, uint8_t *out,
                             const xn_add_line_8_params *p) {
    XN_BROADCAST_EACH(&p->shape, *out++ = add_line_8(in_a + a, in_b + b, p))
}

typedef struct xn_add_f32_params {
    xn_broadcast shape;
    float sign; // of the second operand: 1 adds, -1 subtracts
    float low, high;
} xn_add_f32_params;

XN_KERNEL void xn_add_f32(const float *in_a, const float *in_b, float *out,
                          const xn_add_f32_params *p) {
    XN_BROADCAST_EACH(&p->shape, *out++ = xn_clampf(in_a[a] + p->sign * in_b[b], p->low, p->high))
}
