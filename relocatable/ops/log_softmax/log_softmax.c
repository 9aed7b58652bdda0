// LOG_SOFTMAX along the last dimension. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    int32_t rows, depth;
    float in_scale;
} XN_NAME(xn_log_softmax_params);

#if XN_IS_FLOAT
// in, out: float [rows, depth].
XN_KERNEL void XN_NAME(xn_log_softmax)(const float *in, float *out,
                                       const XN_NAME(xn_log_softmax_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        float max = in[0];
        for (int32_t i = 1; i < p->depth; i++) {
            max = in[i] > max ? in[i] : max;
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < p->depth; i++) {
            sum += xn_expf(in[i] - max);
        }
        float log_sum = xn_logf(sum);
        for (int32_t i = 0; i < p->depth; i++) {
            out[i] = in[i] - max - log_sum;
        }
    }
}
#else
// in, out: T [rows, depth], out in steps of 1/16; table: e^(-in_scale * difference).
XN_KERNEL void XN_NAME(xn_log_softmax)(const XN_T *in, const float *table, XN_T *out,
                                       const XN_NAME(xn_log_softmax_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        int32_t max = XN_T_MIN;
        for (int32_t i = 0; i < p->depth; i++) {
            max = xn_max(max, in[i]);
        }
        float sum = 0.0f;
        for (int32_t i = 0; i < p->depth; i++) {
            sum += table[max - in[i]];
        }
        float offset = p->in_scale * (float)max + (float)xn_log(sum);
        for (int32_t i = 0; i < p->depth; i++) {
            float y = xn_clampf((p->in_scale * (float)in[i] - offset) * 16.0f, -1000.0f, 0.0f);
            out[i] = (XN_T)xn_clamp((int32_t)xn_roundf(y) + XN_T_MAX, XN_T_MIN, XN_T_MAX);
        }
    }
}
#endif
