// FULLY_CONNECTED of float32, plain C.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_fully_connected_f32_params {
    int32_t rows, in_c, out_c;
    float low, high;
} xn_fully_connected_f32_params;

// in: float [rows, in_c]; filter: float [out_c, in_c]; bias: float [out_c]; out: float [rows,
// out_c].
XN_KERNEL void xn_fully_connected_f32(const float *in, const float *filter, const float *bias,
                                      float *out, const xn_fully_connected_f32_params *p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        for (int32_t c = 0; c < p->out_c; c++) {
            const float *w = filter + c * p->in_c;
            float sum = 0.0f;
            for (int32_t i = 0; i < p->in_c; i++) {
                sum += in[i] * w[i];
            }
            *out++ = xn_clampf(sum + bias[c], p->low, p->high);
        }
    }
}
