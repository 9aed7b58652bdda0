// FULLY_CONNECTED of integers, plain C.
#include "ops/_shared/xn_dot.h"
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    int32_t rows, in_c, out_c;
    int32_t filter_zero; // what of the zero points does not depend on the input is in the bias
    xn_scaling scaling;
} XN_NAME(xn_fully_connected_params);

static inline XN_SUM XN_NAME(fully_connected_dot)(const XN_T *x, const XN_FILTER_T *w, int32_t n) {
#if XN_IS_16_BITS
    return xn_dot_16(x, w, n);
#else
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)x[i] * w[i];
    }
    return sum;
#endif
}

static inline XN_SUM XN_NAME(fully_connected_sum)(const XN_T *x, int32_t n) {
    XN_SUM sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += x[i];
    }
    return sum;
}

// in: [rows, in_c]; filter: [out_c, in_c]; out: [rows, out_c].
XN_KERNEL void XN_NAME(xn_fully_connected)(const XN_T *in, const XN_FILTER_T *filter,
                                           const xn_scales *scales, XN_T *out XN_PART,
                                           const XN_NAME(xn_fully_connected_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        XN_SUM base =
            p->filter_zero == 0 ? 0 : -p->filter_zero * XN_NAME(fully_connected_sum)(in, p->in_c);
        out += XN_FIRST;
        for (int32_t c = XN_FIRST; c < XN_LAST(p); c++) {
            const XN_FILTER_T *w = filter + (c - XN_FIRST) * p->in_c;
            XN_SUM sum = base + XN_NAME(fully_connected_dot)(in, w, p->in_c);
            *out++ = (XN_T)XN_SCALE(sum, c, scales, &p->scaling);
        }
        out += p->out_c - XN_LAST(p);
    }
}
