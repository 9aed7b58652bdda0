// SOFTMAX along the last dimension. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_lines.h"
#include "ops/_shared/xn_math.h"
#include "ops/_shared/xn_reciprocal.h"

#if XN_IS_FLOAT
typedef struct {
    int32_t rows, depth;
    float beta;
} XN_NAME(xn_softmax_params);

// in, out: float [rows, depth].
XN_KERNEL void XN_NAME(xn_softmax)(const float *in, float *out,
                                   const XN_NAME(xn_softmax_params) * p) {
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
#elif XN_IS_16_BITS
typedef struct {
    int32_t rows, depth;
    int32_t multiplier, shift; // of differences to places of the line of powers
} XN_NAME(xn_softmax_params);

// in, out: int16 [rows, depth]; powers: ends of the lines of e^x in [-10, 0]; reciprocals: of
// 1 / (1 + x) in [0, 1].
XN_KERNEL void XN_NAME(xn_softmax)(const int16_t *in, const int16_t *powers,
                                   const int16_t *reciprocals, int16_t *out,
                                   const XN_NAME(xn_softmax_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        int32_t max = INT16_MIN;
        for (int32_t i = 0; i < p->depth; i++) {
            max = xn_max(max, in[i]);
        }
        int32_t sum = 0; // 15 fraction bits
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t place =
                xn_multiply_by_quantized_multiplier(in[i] - max, p->multiplier, p->shift) +
                INT16_MAX;
            out[i] = (int16_t)xn_on_lines(powers, xn_clamp(place, INT16_MIN, INT16_MAX));
            sum += out[i];
        }
        int32_t headroom = __builtin_clz((uint32_t)sum);
        int32_t place = (int32_t)((((uint32_t)sum << (headroom - 1)) + (1u << 13)) >> 14);
        place = xn_clamp(place - (1 << 15) - (1 << 16), INT16_MIN, INT16_MAX);
        int32_t factor = xn_on_lines(reciprocals, place), right = 31 - headroom;
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t y = (out[i] * factor + (1 << (right - 1))) >> right;
            out[i] = (int16_t)xn_clamp(y, 0, INT16_MAX);
        }
    }
}
#else
typedef struct {
    int32_t rows, depth;
    int32_t table_count; // a difference to the maximum of this much or more gives nothing
} XN_NAME(xn_softmax_params);

typedef struct {
    int32_t max;
    int32_t scale, headroom; // of the reciprocal of the sum
} XN_NAME(xn_softmax_row);

static inline XN_NAME(xn_softmax_row) XN_NAME(softmax_row)(const XN_T *in, const int32_t *table,
                                                           const XN_NAME(xn_softmax_params) * p) {
    int32_t max = XN_T_MIN;
    for (int32_t i = 0; i < p->depth; i++) {
        max = xn_max(max, in[i]);
    }
    int32_t sum = 0; // q12
    for (int32_t i = 0; i < p->depth; i++) {
        int32_t difference = max - in[i];
        sum += difference < p->table_count ? xn_rounding_divide_by_pot(table[difference], 12) : 0;
    }
    int32_t headroom = __builtin_clz((uint32_t)sum);
    int32_t scale = xn_reciprocal((int32_t)(((uint32_t)sum << headroom) - (1u << 31)));
    return (XN_NAME(xn_softmax_row)){max, scale, headroom};
}

// A probability in `bits` bits.
static inline int32_t XN_NAME(softmax_value)(XN_T x, const int32_t *table,
                                             XN_NAME(xn_softmax_row) row, int32_t bits,
                                             const XN_NAME(xn_softmax_params) * p) {
    int32_t difference = row.max - x;
    int32_t part = difference < p->table_count
                       ? xn_saturating_doubling_high_mul(row.scale, table[difference])
                       : 0;
    return xn_rounding_divide_by_pot(part, 12 - row.headroom + 31 - bits);
}

// in, out: T [rows, depth]; table: e^(-scale * difference) in q0, by the difference.
XN_KERNEL void XN_NAME(xn_softmax)(const XN_T *in, const int32_t *table, XN_T *out,
                                   const XN_NAME(xn_softmax_params) * p) {
    for (int32_t at = 0; at < p->rows; at++, in += p->depth, out += p->depth) {
        XN_NAME(xn_softmax_row) row = XN_NAME(softmax_row)(in, table, p);
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t y = XN_NAME(softmax_value)(in[i], table, row, 8, p);
            out[i] = (XN_T)xn_clamp(y + XN_T_MIN, XN_T_MIN, XN_T_MAX);
        }
    }
}

// The same with results of 16 bits.
XN_KERNEL void XN_NAME(xn_softmax_to_16)(const XN_T *in, const int32_t *table, int16_t *out,
                                         const XN_NAME(xn_softmax_params) * p) {
    for (int32_t at = 0; at < p->rows; at++, in += p->depth, out += p->depth) {
        XN_NAME(xn_softmax_row) row = XN_NAME(softmax_row)(in, table, p);
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t y = XN_NAME(softmax_value)(in[i], table, row, 16, p);
            out[i] = (int16_t)xn_clamp(y + INT16_MIN, INT16_MIN, INT16_MAX);
        }
    }
}
#endif
