// FULLY_CONNECTED of integers with a filter that is computed, plain C.
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    int32_t rows, in_c, out_c;
    int32_t in_zero, filter_zero;
    xn_scaling scaling;
} XN_NAME(xn_fully_connected_computed_params);

// in: [rows, in_c]; filter: [out_c, in_c]; out: [rows, out_c].
XN_KERNEL void
XN_NAME(xn_fully_connected_computed)(const XN_T *in, const XN_FILTER_T *filter,
                                     const xn_scales *scales, XN_T *out,
                                     const XN_NAME(xn_fully_connected_computed_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        const XN_FILTER_T *w = filter;
        for (int32_t c = 0; c < p->out_c; c++) {
            XN_SUM sum = 0;
            for (int32_t i = 0; i < p->in_c; i++) {
                sum += (in[i] - p->in_zero) * (*w++ - p->filter_zero);
            }
            *out++ = (XN_T)XN_SCALE(sum, c, scales, &p->scaling);
        }
    }
}
