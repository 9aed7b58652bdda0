// SOFTMAX along the last dimension. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "ops/_shared/xn_scale.h"

// Fixed point numbers are named by their integer bits: q0 is [-1, 1) in 31 fraction bits, q2 [-4,
// 4).
#define XN_Q0_ONE INT32_MAX
#define XN_Q2_ONE (1 << 29)
#define XN_Q2_48_OVER_17 1515870810
#define XN_Q2_MINUS_32_OVER_17 (-1010580540)

static inline int32_t softmax_shift_left(int32_t x, int32_t n) {
    int64_t wide = (int64_t)x * (1 << n);
    return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

// 1 / (1 + x) in q0 for x of q0 in [0, 1): Newton's method from 48/17 - 32/17 d, three times.
static inline int32_t softmax_reciprocal(int32_t x) {
    int32_t half = (int32_t)(((int64_t)x + XN_Q0_ONE + 1) / 2);
    int32_t y = XN_Q2_48_OVER_17 + xn_high_mul(half, XN_Q2_MINUS_32_OVER_17);
    for (int32_t i = 0; i < 3; i++) {
        int32_t rest = XN_Q2_ONE - xn_high_mul(half, y);
        y += softmax_shift_left(xn_high_mul(y, rest), 2);
    }
    return softmax_shift_left(y, 1);
}

typedef struct xn_softmax_8_params {
    int32_t rows, depth;
    int32_t is_signed;
    int32_t table_count; // a difference to the maximum of this much or more gives nothing
} xn_softmax_8_params;

// in, out: int8 or uint8 [rows, depth]; table: e^(-scale * difference) in q0, by the difference.
XN_KERNEL void xn_softmax_8(const uint8_t *in, const int32_t *table, uint8_t *out,
                            const xn_softmax_8_params *p) {
    int32_t low = p->is_signed ? -128 : 0;
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        int32_t max = low;
        for (int32_t i = 0; i < p->depth; i++) {
            max = xn_max(max, xn_load_8(in + i, p->is_signed));
        }
        int32_t sum = 0; // q12
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t difference = max - xn_load_8(in + i, p->is_signed);
            sum += difference < p->table_count ? xn_round_shift(table[difference], 12) : 0;
        }
        int32_t headroom = __builtin_clz((uint32_t)sum);
        int32_t scale = softmax_reciprocal((int32_t)(((uint32_t)sum << headroom) - (1u << 31)));
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t difference = max - xn_load_8(in + i, p->is_signed);
            int32_t part = difference < p->table_count ? xn_high_mul(scale, table[difference]) : 0;
            int32_t y = xn_round_shift(part, 12 - headroom + 31 - 8);
            out[i] = (uint8_t)xn_clamp(y + low, low, low + 255);
        }
    }
}

typedef struct xn_softmax_f32_params {
    int32_t rows, depth;
    float beta;
} xn_softmax_f32_params;

// in, out: float [rows, depth].
XN_KERNEL void xn_softmax_f32(const float *in, float *out, const xn_softmax_f32_params *p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        float max = in[0];
        for (int32_t i = 1; i < p->depth; i++) {
            max = in[i] > max ? in[i] : max;
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < p->depth; i++) {
            out[i] = xn_expf((in[i] - max) * p->beta);
            sum += out[i];
        }
        for (int32_t i = 0; i < p->depth; i++) {
            out[i] = out[i] / sum;
        }
    }
}
