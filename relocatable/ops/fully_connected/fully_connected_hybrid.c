// FULLY_CONNECTED of float32 by int8: each row is quantised for itself.
#include "ops/_shared/xn_hybrid.h"

#ifndef XN_FULLY_CONNECTED_HYBRID_DOT
#define XN_FULLY_CONNECTED_HYBRID_DOT xn_hybrid_dot
#endif

typedef struct xn_fully_connected_hybrid_params {
    int32_t rows, in_c, out_c;
    xn_hybrid layer;
} xn_fully_connected_hybrid_params;

// in: float [rows, in_c]; filter: int8 [out_c, in_c]; values: scratch for a quantised row; out:
// float [rows, out_c].
XN_KERNEL void xn_fully_connected_hybrid(const float *in, const int8_t *filter,
                                         const xn_hybrid_tables *t, int8_t *values, float *out,
                                         const xn_fully_connected_hybrid_params *p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        xn_quantized x = xn_quantize_values(in, p->in_c, p->layer.is_asymmetric, values);
        for (int32_t c = 0; c < p->out_c; c++) {
            int32_t sum = XN_FULLY_CONNECTED_HYBRID_DOT(values, filter + c * p->in_c, p->in_c);
            *out++ = xn_hybrid_output(sum, c, x, t, &p->layer);
        }
    }
}
