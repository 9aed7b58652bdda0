// DEPTHWISE_CONV_2D for the DSP extension, channel by channel.
//
// The rows that a window covers are kept in a ring as 16-bit values of one channel, padding
// included, so that a word holds two neighbours. The channel's weights and scale stay in registers
// for the whole image.
#include "kernels/xn_dsp.h"
#include "kernels/xn_kernel.h"
#include "kernels/xn_scale.h"

typedef struct xn_depthwise_dsp_params {
    xn_window window; // dilation 1
    int32_t in_c;
    int32_t multiplier; // output channels of one input channel
    int32_t row;        // elements of a ring's row: all that windows cover, and 2 more; even
    int32_t in_zero;
    xn_scaling scaling;
} xn_depthwise_dsp_params;

static inline uint32_t depthwise_pair(int32_t low, int32_t high) {
    return ((uint32_t)low & 0xFFFFu) | ((uint32_t)high << 16);
}

static inline uint32_t depthwise_word(const int16_t *x) {
    uint32_t word;
    __builtin_memcpy(&word, x, sizeof word);
    return word;
}

// One row of one channel into the ring; `in` is the channel's first value.
static inline void depthwise_fetch(const int8_t *in, int32_t y, int16_t *row,
                                   const xn_depthwise_dsp_params *p) {
    const xn_window *win = &p->window;
    if (y < 0 || y >= win->in_h) {
        for (int32_t x = 0; x < p->row; x++) {
            row[x] = (int16_t)p->in_zero;
        }
        return;
    }
    const int8_t *from = in + y * win->in_w * p->in_c;
    int32_t left = xn_min(win->pad_left, p->row), right = xn_min(left + win->in_w, p->row);
    for (int32_t x = 0; x < left; x++) {
        row[x] = (int16_t)p->in_zero;
    }
    for (int32_t x = left; x < right; x++, from += p->in_c) {
        row[x] = *from;
    }
    for (int32_t x = right; x < p->row; x++) {
        row[x] = (int16_t)p->in_zero;
    }
}

// Adds one row of any window to the sums of an output row.
static inline void depthwise_row(const int16_t *row, const int8_t *w, int32_t *sums,
                                 const xn_depthwise_dsp_params *p) {
    const xn_window *win = &p->window;
    for (int32_t x = 0; x < win->out_w; x++, row += win->stride_w) {
        int32_t sum = sums[x];
        int32_t k = 0;
        for (; k + 1 < win->k_w; k += 2) {
            sum = xn_add_products(depthwise_word(row + k), depthwise_pair(w[k], w[k + 1]), sum);
        }
        if (k < win->k_w) {
            sum += row[k] * w[k];
        }
        sums[x] = sum;
    }
}

// in: int8 [in_h, in_w, in_c]; filter: int8 [out_c, k_h, k_w]; ring: scratch of 2 * k_h * row
// bytes; sums: scratch of 4 * (out_w + 1) bytes; out: int8 [out_h, out_w, out_c], which may begin
// where the input does if there is one output channel for each of the input and out_w <= in_w.
XN_KERNEL void xn_depthwise_dsp(const int8_t *in, const int8_t *filter, const xn_scales *scales,
                                int16_t *ring, int32_t *sums, int8_t *out,
                                const xn_depthwise_dsp_params *p) {
    const xn_window *win = &p->window;
    int32_t out_c = p->in_c * p->multiplier;
    for (int32_t c = 0; c < out_c; c++, filter += win->k_h * win->k_w) {
        int32_t next = 0; // first row, counted with the padding, that is not in the ring
        int8_t *to = out + c;
        for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
            int32_t top = out_y * win->stride_h;
            for (next = xn_max(next, top); next < top + win->k_h; next++) {
                int16_t *row = ring + next % win->k_h * p->row;
                depthwise_fetch(in + c / p->multiplier, next - win->pad_top, row, p);
            }
            for (int32_t x = 0; x < win->out_w; x++) {
                sums[x] = 0;
            }
            for (int32_t k = 0; k < win->k_h; k++) {
                const int16_t *row = ring + (top + k) % win->k_h * p->row;
                depthwise_row(row, filter + k * win->k_w, sums, p);
            }
            for (int32_t x = 0; x < win->out_w; x++, to += out_c) {
                *to = (int8_t)xn_scale(sums[x], c, scales, &p->scaling);
            }
        }
    }
}
