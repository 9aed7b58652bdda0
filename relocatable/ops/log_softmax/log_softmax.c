// LOG_SOFTMAX along the last dimension. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "ops/log_softmax/xn_log_softmax.h"

#if XN_IS_FLOAT
typedef struct {
    int32_t rows, depth;
} XN_NAME(xn_log_softmax_params);

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
typedef struct {
    int32_t rows, depth;
    int32_t table_count; // a difference to the maximum of this much or more is the least output
} XN_NAME(xn_log_softmax_params);

// in, out: T [rows, depth], out in steps of 1/16; by the difference to the maximum, powers:
// e^(-scale * difference) in q12, scaled: -scale * difference in q5.
XN_KERNEL void XN_NAME(xn_log_softmax)(const XN_T *in, const int32_t *powers, const int32_t *scaled,
                                       XN_T *out, const XN_NAME(xn_log_softmax_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        int32_t max = XN_T_MIN;
        for (int32_t i = 0; i < p->depth; i++) {
            max = xn_max(max, in[i]);
        }
        int32_t sum = 0;
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t difference = max - in[i];
            sum += difference < p->table_count ? powers[difference] : 0;
        }
        int32_t log_sum = xn_log_softmax_log(sum);
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t difference = max - in[i], y = XN_T_MIN;
            if (difference < p->table_count) {
                y = xn_rounding_divide_by_pot(scaled[difference] - log_sum, 22) + XN_T_MAX;
            }
            out[i] = (XN_T)xn_clamp(y, XN_T_MIN, XN_T_MAX);
        }
    }
}
#endif
