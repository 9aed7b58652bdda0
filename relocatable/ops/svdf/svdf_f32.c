// SVDF of float32, as svdf.c.
#include "ops/_shared/xn_kernel.h"
#include "ops/svdf/xn_svdf.h"

typedef struct xn_svdf_f32_params {
    int32_t batch, in_c, filters, rank, memory;
    float low, high;
} xn_svdf_f32_params;

// As xn_svdf_i8, all float.
XN_KERNEL void xn_svdf_f32(const float *in, const float *feature, const float *time,
                           const float *bias, float *state, float *out,
                           const xn_svdf_f32_params *p) {
    for (int32_t b = 0; b < p->batch; b++, in += p->in_c) {
        for (int32_t unit = 0; unit < p->filters / p->rank; unit++) {
            float sum = 0.0f;
            for (int32_t f = unit * p->rank; f < (unit + 1) * p->rank; f++, state += p->memory) {
                float dot = 0.0f;
                for (int32_t i = 0; i < p->in_c; i++) {
                    dot += in[i] * feature[f * p->in_c + i];
                }
                sum += xn_svdf_push_f32(state, dot, time + f * p->memory, p->memory);
            }
            *out++ = xn_clampf(sum + bias[unit], p->low, p->high);
        }
    }
}
