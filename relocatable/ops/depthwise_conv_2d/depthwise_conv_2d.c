// DEPTHWISE_CONV_2D of integers, plain C.
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    xn_window window;
    int32_t in_c;
    int32_t multiplier; // output channels of one input channel
    int32_t in_zero;    // what of it does not depend on the input is in the bias
    XN_FILTER_ZERO_FIELD
    xn_scaling scaling;
} XN_NAME(xn_depthwise_params);

// One output. `x` and `w` are the channel's first elements; taps outside count as in_zero.
static inline XN_SUM XN_NAME(depthwise_sum)(const XN_T *x, const XN_FILTER_T *w, xn_taps rows,
                                            xn_taps columns,
                                            const XN_NAME(xn_depthwise_params) * p) {
    const xn_window *win = &p->window;
    int32_t out_c = p->in_c * p->multiplier;
    XN_SUM sum = 0;
    for (int32_t ky = 0; ky < win->k_h; ky++) {
        int32_t y = rows.origin + ky * win->dilation_h;
        for (int32_t kx = 0; kx < win->k_w; kx++, w += out_c) {
            int32_t at = columns.origin + kx * win->dilation_w;
            int32_t inside =
                ky >= rows.first && ky < rows.last && kx >= columns.first && kx < columns.last;
            int32_t value = inside ? x[(y * win->in_w + at) * p->in_c] : p->in_zero;
            sum += value * (*w - XN_FILTER_ZERO(p));
        }
    }
    return sum;
}

// in: [in_h, in_w, in_c]; filter: [k_h, k_w, in_c * multiplier]; out: [out_h, out_w, in_c *
// multiplier].
XN_KERNEL void XN_NAME(xn_depthwise)(const XN_T *in, const XN_FILTER_T *filter,
                                     const xn_scales *scales, XN_T *out,
                                     const XN_NAME(xn_depthwise_params) * p) {
    const xn_window *win = &p->window;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++) {
            xn_taps columns = xn_columns(win, out_x);
            int32_t whole = rows.first == 0 && rows.last == win->k_h && columns.first == 0 &&
                            columns.last == win->k_w;
            xn_taps all_rows = {rows.origin, 0, win->k_h};
            xn_taps all_columns = {columns.origin, 0, win->k_w};
            for (int32_t c = 0; c < p->in_c * p->multiplier; c++) {
                const XN_T *x = in + c / p->multiplier;
                XN_SUM sum = whole ? XN_NAME(depthwise_sum)(x, filter + c, all_rows, all_columns, p)
                                   : XN_NAME(depthwise_sum)(x, filter + c, rows, columns, p);
                *out++ = (XN_T)XN_SCALE(sum, c, scales, &p->scaling);
            }
        }
    }
}
