// MEAN over any axes: two loops over what is kept around two over what is reduced.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    // Count, and the distance of the elements in the input; in the order of its dimensions.
    struct {
        int32_t count, stride;
    } keep[2], reduce[2];
#if !XN_IS_FLOAT
    int32_t in_zero_sum; // zero point times the number of values reduced
    int32_t out_zero;
    int32_t multiplier, shift; // the division is part of the scale
    int32_t low, high;         // clamp of the output
#endif
} XN_NAME(xn_mean_params);

static inline XN_T XN_NAME(mean_of)(XN_WIDE sum, const XN_NAME(xn_mean_params) * p) {
#if XN_IS_FLOAT
    return sum / (float)(p->reduce[0].count * p->reduce[1].count);
#else
    sum = xn_multiply_by_quantized_multiplier(sum - p->in_zero_sum, p->multiplier, p->shift);
    return (XN_T)xn_clamp(sum + p->out_zero, p->low, p->high);
#endif
}

// in: T; out: T [keep[0].count, keep[1].count].
XN_KERNEL void XN_NAME(xn_mean)(const XN_T *in, XN_T *out, const XN_NAME(xn_mean_params) * p) {
    for (int32_t a = 0; a < p->keep[0].count; a++) {
        for (int32_t b = 0; b < p->keep[1].count; b++) {
            const XN_T *x = in + a * p->keep[0].stride + b * p->keep[1].stride;
            XN_WIDE sum = 0;
            for (int32_t c = 0; c < p->reduce[0].count; c++) {
                for (int32_t d = 0; d < p->reduce[1].count; d++) {
                    sum += x[c * p->reduce[0].stride + d * p->reduce[1].stride];
                }
            }
            *out++ = XN_NAME(mean_of)(sum, p);
        }
    }
}
