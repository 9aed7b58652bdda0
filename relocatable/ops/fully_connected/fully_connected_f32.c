// FULLY_CONNECTED of float32, with weights of a type of their own.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_widen.h"

typedef struct {
    int32_t rows, in_c, out_c;
    float low, high;
} XN_NAME(xn_fully_connected_f32_params);

// in: float [rows, in_c]; filter: T [out_c, in_c]; bias: float [out_c]; out: float [rows,
// out_c].
XN_KERNEL void XN_NAME(xn_fully_connected_f32)(const float *in, const XN_T *filter,
                                               const float *bias, float *out XN_PART,
                                               const XN_NAME(xn_fully_connected_f32_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        out += XN_FIRST;
        for (int32_t c = XN_FIRST; c < XN_LAST(p); c++) {
            const XN_T *w = filter + (c - XN_FIRST) * p->in_c;
            float sum = 0.0f;
            for (int32_t i = 0; i < p->in_c; i++) {
                sum += in[i] * XN_WIDEN(w + i);
            }
            *out++ = xn_clampf(sum + bias[c], p->low, p->high);
        }
        out += p->out_c - XN_LAST(p);
    }
}
