// SOFTMAX along the last dimension. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "ops/softmax/xn_softmax.h"

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
#else
typedef struct {
    int32_t rows, depth;
    int32_t table_count; // a difference to the maximum of this much or more gives nothing
} XN_NAME(xn_softmax_params);

// in, out: T [rows, depth]; table: e^(-scale * difference) in q0, by the difference.
XN_KERNEL void XN_NAME(xn_softmax)(const XN_T *in, const int32_t *table, XN_T *out,
                                   const XN_NAME(xn_softmax_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        int32_t max = XN_T_MIN;
        for (int32_t i = 0; i < p->depth; i++) {
            max = xn_max(max, in[i]);
        }
        int32_t sum = 0; // q12
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t difference = max - in[i];
            sum +=
                difference < p->table_count ? xn_rounding_divide_by_pot(table[difference], 12) : 0;
        }
        int32_t headroom = __builtin_clz((uint32_t)sum);
        int32_t scale = xn_softmax_reciprocal((int32_t)(((uint32_t)sum << headroom) - (1u << 31)));
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t difference = max - in[i];
            int32_t part = difference < p->table_count
                               ? xn_saturating_doubling_high_mul(scale, table[difference])
                               : 0;
            int32_t y = xn_rounding_divide_by_pot(part, 12 - headroom + 31 - 8);
            out[i] = (XN_T)xn_clamp(y + XN_T_MIN, XN_T_MIN, XN_T_MAX);
        }
    }
}
#endif
