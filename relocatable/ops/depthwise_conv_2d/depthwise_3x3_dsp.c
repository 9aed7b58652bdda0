// DEPTHWISE_CONV_2D of integers by windows of 3x3 for the DSP extension, four channels of the input
// at a time.
//
// Two pairs of rows (see xn_pairs.h), word by word side by side, give one row of the output, or two
// with stride 1. The lower pair is then the upper one of what follows.
#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_pairs.h"
#include "ops/depthwise_conv_2d/xn_depthwise_3x3_dsp.h"

typedef struct {
    xn_window window; // dilation 1, stride_h 1 or 2
    int32_t in_c;
    int32_t multiplier; // output channels of one input channel
    int32_t columns;    // all that windows cover
    int32_t in_zero;    // of int8
    xn_dsp_scaling scaling;
} XN_NAME(xn_depthwise_3x3_dsp_params);

// A channel of one or two rows of the output; `odd`: the upper pair of rows is the second one. The
// channel's weights take six registers, so its other constants wait in the FPU.
XN_INLINE void XN_NAME(depthwise_3x3_rows)(const uint32_t *from, const uint32_t *filter,
                                           int32_t rows, int32_t odd, XN_T *out,
                                           const XN_NAME(xn_depthwise_3x3_dsp_params) * p) {
    const xn_window *win = &p->window;
    int32_t out_c = p->in_c * p->multiplier;
    xn_dsp_factor factor = xn_dsp_factor_of(filter + 1 + DEPTHWISE_3X3_WORDS, 1, 0, &p->scaling);
    float start = xn_keep(filter[0]);
    float multiplier = xn_keep((uint32_t)factor.multiplier);
    float last = xn_keep((uint32_t)factor.last);
    uint32_t a[3], b[3], x0, x1;
    for (int32_t k = 0; k < 3; k++) {
        a[k] = XN_IS_UNSIGNED ? filter[1 + 2 * k] : xn_even_bytes(filter[1 + k]);
        b[k] = XN_IS_UNSIGNED ? filter[2 + 2 * k] : xn_odd_bytes(filter[1 + k]);
    }
#pragma clang loop unroll(disable)
    for (int32_t left = win->out_w; left > 0; left--) {
        int32_t s0, s1;
        if (rows == 1 && odd) {
            DEPTHWISE_3X3_RUN(DEPTHWISE_3X3_ONE, "x1", "x0");
        } else if (rows == 1) {
            DEPTHWISE_3X3_RUN(DEPTHWISE_3X3_ONE, "x0", "x1");
        } else if (odd) {
            DEPTHWISE_3X3_RUN(DEPTHWISE_3X3_TWO, "x1", "x0");
        } else {
            DEPTHWISE_3X3_RUN(DEPTHWISE_3X3_TWO, "x0", "x1");
        }
        from += 8 * (win->stride_w - 1);
        factor.multiplier = xn_kept(multiplier);
        factor.last = xn_kept(last);
        out[0] = (XN_T)XN_DSP_SCALE(s0, factor, &p->scaling);
        if (rows == 2) {
            out[win->out_w * out_c] = (XN_T)XN_DSP_SCALE(s1, factor, &p->scaling);
        }
        out += out_c;
    }
}

// The same, instantiated for each of the four ways.
XN_INLINE void XN_NAME(depthwise_3x3_any_rows)(const uint32_t *from, const uint32_t *filter,
                                               int32_t rows, int32_t odd, XN_T *out,
                                               const XN_NAME(xn_depthwise_3x3_dsp_params) * p) {
    if (rows == 2 && odd) {
        XN_NAME(depthwise_3x3_rows)(from, filter, 2, 1, out, p);
    } else if (rows == 2) {
        XN_NAME(depthwise_3x3_rows)(from, filter, 2, 0, out, p);
    } else if (odd) {
        XN_NAME(depthwise_3x3_rows)(from, filter, 1, 1, out, p);
    } else {
        XN_NAME(depthwise_3x3_rows)(from, filter, 1, 0, out, p);
    }
}

// in: [in_h, in_w, in_c]; filter: stream of single channels, for each column a word of the
// weights (upper, middle, middle, lower), of uint8 a word (upper, middle) and one (middle, lower);
// pairs: scratch of 32 * columns bytes; out: [out_h, out_w, out_c], which may begin where the input
// does if out_c == in_c and out_w <= in_w.
XN_KERNEL void XN_NAME(xn_depthwise_3x3_dsp)(const XN_T *in, const uint32_t *filter,
                                             uint32_t *pairs, XN_T *out,
                                             const XN_NAME(xn_depthwise_3x3_dsp_params) * p) {
    const xn_window *win = &p->window;
    int32_t step = 3 - win->stride_h, size = win->out_w * p->in_c * p->multiplier;
    int32_t words = 1 + DEPTHWISE_3X3_WORDS + 2 * p->scaling.step;
    const xn_pairs rows_of = {win, p->in_c, p->in_zero, p->columns, 2};
    xn_pairs_fill(pairs, 8 * p->columns, &rows_of);
    for (int32_t first = 0; first < p->in_c; first += 4, out += 4 * p->multiplier) {
        int32_t channels = p->in_c % 4 == 0 ? 4 : xn_min(4, p->in_c - first);
        int32_t next = 0; // first missing pair of rows, counted with the padding
        for (int32_t y = 0; y < win->out_h; y += step) {
            int32_t upper = y * win->stride_h / 2;
#pragma clang loop unroll(disable)
            for (; next < upper + 2; next++) {
                XN_PAIRS_FETCH(in + first, 2 * next - win->pad_top, channels, pairs + next % 2,
                               &rows_of);
            }
            int32_t rows = win->out_h % step == 0 ? step : xn_min(step, win->out_h - y);
#pragma clang loop unroll(disable)
            for (int32_t k = 0; k < channels * p->multiplier; k++) {
                XN_NAME(depthwise_3x3_any_rows)(pairs + 2 * (k / p->multiplier), filter + k * words,
                                                rows, upper % 2, out + y * size + k, p);
            }
        }
        filter += channels * p->multiplier * words;
    }
}
