// SVDF of float32 by int8: each batch's input is quantised for itself, the state is of floats.
#include "ops/_shared/xn_hybrid.h"
#include "ops/svdf/xn_svdf.h"

#ifndef XN_SVDF_HYBRID_DOT
#define XN_SVDF_HYBRID_DOT xn_hybrid_dot
#endif

typedef struct xn_svdf_hybrid_params {
    int32_t batch, in_c, filters, rank, memory;
    int32_t is_asymmetric;
    float scale; // of the feature weights
    float low, high;
} xn_svdf_hybrid_params;

// feature: int8 [filters, in_c]; sums: int32 [filters], those of the feature weights, if inputs get
// a zero point; values: scratch for a quantised input; the rest as xn_svdf_f32.
XN_KERNEL void xn_svdf_hybrid(const float *in, const int8_t *feature, const int32_t *sums,
                              const float *time, const float *bias, int8_t *values, float *state,
                              float *out, const xn_svdf_hybrid_params *p) {
    for (int32_t b = 0; b < p->batch; b++, in += p->in_c) {
        xn_quantized x = xn_quantize_values(in, p->in_c, p->is_asymmetric, values);
        for (int32_t unit = 0; unit < p->filters / p->rank; unit++) {
            float sum = 0.0f;
            for (int32_t f = unit * p->rank; f < (unit + 1) * p->rank; f++, state += p->memory) {
                int32_t dot = XN_SVDF_HYBRID_DOT(values, feature + f * p->in_c, p->in_c);
                dot -= p->is_asymmetric ? x.zero * sums[f] : 0;
                float value = (float)dot * (x.scale * p->scale);
                sum += xn_svdf_push_f32(state, value, time + f * p->memory, p->memory);
            }
            *out++ = xn_clampf(sum + bias[unit], p->low, p->high);
        }
    }
}
