// DEPTHWISE_CONV_2D of integers for the DSP extension, four channels of the input at a time.
//
// The pairs of rows (see xn_pairs.h) begin at even rows, the padding included. A window that does
// so, too, meets its weights as (w0, w1), (w2, w3), ..; one that begins at an odd row as (0, w0),
// (w1, w2), .. With stride 1, both kinds are done at once: two rows by two pixels of the output.
#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_pairs.h"

typedef struct {
    xn_window window; // dilation 1
    int32_t in_c;
    int32_t multiplier; // output channels of one input channel
    int32_t columns;    // all that windows of an even number of pixels cover
    int32_t pairs;      // k_h / 2 + 1: of rows, for a window
    int32_t in_zero;    // of int8
    xn_dsp_scaling scaling;
} XN_NAME(xn_depthwise_dsp_params);

// The weights of a channel in the order of use: for each pair of rows and column the even window's
// and the odd window's.
static inline void XN_NAME(depthwise_dsp_expand)(const XN_WEIGHT *filter, uint32_t *to,
                                                 const XN_NAME(xn_depthwise_dsp_params) * p) {
    const xn_window *win = &p->window;
    for (int32_t ky = 0; ky < 2 * p->pairs; ky += 2) {
        for (int32_t kx = 0; kx < win->k_w; kx++) {
            const XN_WEIGHT *w = filter + ky * win->k_w + kx;
            int32_t above = ky > 0 ? w[-win->k_w] : 0;
            int32_t upper = ky < win->k_h ? w[0] : 0;
            int32_t lower = ky + 1 < win->k_h ? w[win->k_w] : 0;
            *to++ = ((uint32_t)upper & 0xFFFFu) | (uint32_t)lower << 16;
            *to++ = ((uint32_t)above & 0xFFFFu) | (uint32_t)upper << 16;
        }
    }
}

// Adds to the sums [row][pixel] of two neighbouring pixels; one row: that of an even or odd window.
XN_INLINE void XN_NAME(depthwise_dsp_add)(const uint32_t *ring, int32_t upper, int32_t x,
                                          const uint32_t *weights, int32_t rows, int32_t odd,
                                          int32_t sums[2][2],
                                          const XN_NAME(xn_depthwise_dsp_params) * p) {
    int32_t slot = upper % p->pairs, stride = p->window.stride_w;
    for (int32_t pair = 0; pair < p->pairs; pair++) {
        const uint32_t *from = ring + (slot * p->columns + x) * 4;
        uint32_t first = from[0], second;
        for (int32_t kx = 0; kx < p->window.k_w; kx++, from += 4, first = second) {
            uint32_t a, b;
            if (rows == 2) {
                XN_NEXT_TWO(weights, a, b);
            } else {
                a = weights[odd];
                weights += 2;
            }
            if (stride == 1) {
                second = from[4]; // the next tap's first
            } else {
                first = from[0];
                second = from[4 * stride];
            }
            sums[0][0] = xn_add_products(first, a, sums[0][0]);
            sums[0][1] = xn_add_products(second, a, sums[0][1]);
            if (rows == 2) {
                sums[1][0] = xn_add_products(first, b, sums[1][0]);
                sums[1][1] = xn_add_products(second, b, sums[1][1]);
            }
        }
        slot = slot + 1 < p->pairs ? slot + 1 : 0;
    }
}

// A channel of one or two rows of the output.
XN_INLINE void XN_NAME(depthwise_dsp_rows)(const uint32_t *ring, int32_t upper,
                                           const uint32_t *weights, int32_t start,
                                           xn_dsp_factor factor, int32_t rows, int32_t odd,
                                           XN_T *out, const XN_NAME(xn_depthwise_dsp_params) * p) {
    const xn_window *win = &p->window;
    int32_t out_c = p->in_c * p->multiplier;
#pragma clang loop unroll(disable)
    for (int32_t x = 0; x < win->out_w; x += 2, out += 2 * out_c) {
        int32_t sums[2][2] = {{start, start}, {start, start}};
        XN_NAME(depthwise_dsp_add)(ring, upper, x * win->stride_w, weights, rows, odd, sums, p);
        for (int32_t row = 0; row < rows; row++) {
            XN_T *to = out + row * win->out_w * out_c;
            to[0] = (XN_T)XN_DSP_SCALE(sums[row][0], factor, &p->scaling);
            if (win->out_w % 2 == 0 || x + 1 < win->out_w) {
                to[out_c] = (XN_T)XN_DSP_SCALE(sums[row][1], factor, &p->scaling);
            }
        }
    }
}

// in: [in_h, in_w, in_c]; filter: stream of single channels, [k_h, k_w] weights each in whole
// words; ring: scratch of 16 * pairs * columns bytes; weights: scratch of 32 * multiplier * pairs *
// k_w bytes; out: [out_h, out_w, out_c].
XN_KERNEL void XN_NAME(xn_depthwise_dsp)(const XN_T *in, const uint32_t *filter, uint32_t *ring,
                                         uint32_t *weights, XN_T *out,
                                         const XN_NAME(xn_depthwise_dsp_params) * p) {
    const xn_window *win = &p->window;
    int32_t step = win->stride_h == 1 ? 2 : 1, size = win->out_w * p->in_c * p->multiplier;
    int32_t per_word = 4 / (int32_t)sizeof(XN_WEIGHT);
    int32_t words = (win->k_h * win->k_w + per_word - 1) / per_word + 1 + 2 * p->scaling.step;
    int32_t expanded = 2 * p->pairs * win->k_w;
    const xn_pairs rows_of = {win, p->in_c, p->in_zero, p->columns, 1};
    xn_pairs_fill(ring, 4 * p->pairs * p->columns, &rows_of);
    for (int32_t first = 0; first < p->in_c; first += 4, out += 4 * p->multiplier) {
        int32_t channels = p->in_c % 4 == 0 ? 4 : xn_min(4, p->in_c - first);
        int32_t next = 0; // first missing pair of rows, counted with the padding
#pragma clang loop unroll(disable)
        for (int32_t k = 0; k < channels * p->multiplier; k++) {
            XN_NAME(depthwise_dsp_expand)((const XN_WEIGHT *)(filter + k * words + 1),
                                          weights + k * expanded, p);
        }
        for (int32_t y = 0; y < win->out_h; y += step) {
            int32_t top = y * win->stride_h, upper = top / 2;
            int32_t rows = win->out_h % step == 0 ? step : xn_min(step, win->out_h - y);
#pragma clang loop unroll(disable)
            for (next = xn_max(next, upper); next < upper + p->pairs; next++) {
                XN_PAIRS_FETCH(in + first, 2 * next - win->pad_top, channels,
                               ring + next % p->pairs * p->columns * 4, &rows_of);
            }
#pragma clang loop unroll(disable)
            for (int32_t k = 0; k < channels * p->multiplier; k++) {
                const uint32_t *channel = filter + k * words;
                xn_dsp_factor factor = xn_dsp_factor_of(channel + words - 2, 1, 0, &p->scaling);
                const uint32_t *from = ring + k / p->multiplier;
                if (rows == 2) {
                    XN_NAME(depthwise_dsp_rows)(from, upper, weights + k * expanded,
                                                (int32_t)*channel, factor, 2, 0, out + y * size + k,
                                                p);
                } else {
                    XN_NAME(depthwise_dsp_rows)(from, upper, weights + k * expanded,
                                                (int32_t)*channel, factor, 1, top % 2,
                                                out + y * size + k, p);
                }
            }
        }
        filter += channels * p->multiplier * words;
    }
}
