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

// Adds one row of a window 3 wide to the sums of two neighbouring outputs.
static inline void depthwise_three(const int16_t *x, uint32_t w01, uint32_t w12, int32_t stride,
                                   int32_t *s0, int32_t *s1) {
    uint32_t x01 = depthwise_word(x), x23 = depthwise_word(x + 2);
    *s0 = xn_add_products(x01, w01, *s0);
    *s0 = __smlabt((int32_t)x23, (int32_t)w12, *s0);
    if (stride == 1) {
        *s1 = __smlatb((int32_t)x01, (int32_t)w01, *s1);
        *s1 = xn_add_products(x23, w12, *s1);
    } else { // 2
        *s1 = xn_add_products(x23, w01, *s1);
        *s1 = __smlabt((int32_t)depthwise_word(x + 4), (int32_t)w12, *s1);
    }
}

// The sums of an output row under a 3x3 window, two at a time.
static inline void depthwise_row_3x3(const int16_t *const rows[3], const int8_t *w, int32_t *sums,
                                     const xn_depthwise_dsp_params *p) {
    uint32_t a01 = depthwise_pair(w[0], w[1]), a12 = depthwise_pair(w[1], w[2]);
    uint32_t b01 = depthwise_pair(w[3], w[4]), b12 = depthwise_pair(w[4], w[5]);
    uint32_t c01 = depthwise_pair(w[6], w[7]), c12 = depthwise_pair(w[7], w[8]);
    const int16_t *a = rows[0], *b = rows[1], *c = rows[2];
    int32_t stride = p->window.stride_w;
    for (int32_t x = 0; x < p->window.out_w; x += 2) {
        int32_t s0 = 0, s1 = 0;
        depthwise_three(a, a01, a12, stride, &s0, &s1);
        depthwise_three(b, b01, b12, stride, &s0, &s1);
        depthwise_three(c, c01, c12, stride, &s0, &s1);
        a += 2 * stride;
        b += 2 * stride;
        c += 2 * stride;
        sums[x] = s0;
        sums[x + 1] = s1;
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
    int32_t is_3x3 = win->k_h == 3 && win->k_w == 3 && win->stride_w <= 2;
    for (int32_t c = 0; c < out_c; c++, filter += win->k_h * win->k_w) {
        int32_t next = 0; // first row, counted with the padding, that is not in the ring
        int8_t *to = out + c;
        for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
            int32_t top = out_y * win->stride_h;
            for (next = xn_max(next, top); next < top + win->k_h; next++) {
                int16_t *row = ring + next % win->k_h * p->row;
                depthwise_fetch(in + c / p->multiplier, next - win->pad_top, row, p);
            }
            if (is_3x3) {
                const int16_t *rows[3];
                for (int32_t k = 0; k < 3; k++) {
                    rows[k] = ring + (top + k) % 3 * p->row;
                }
                depthwise_row_3x3(rows, filter, sums, p);
            } else {
                for (int32_t x = 0; x < win->out_w; x++) {
                    sums[x] = 0;
                }
                for (int32_t k = 0; k < win->k_h; k++) {
                    const int16_t *row = ring + (top + k) % win->k_h * p->row;
                    depthwise_row(row, filter + k * win->k_w, sums, p);
                }
            }
            for (int32_t x = 0; x < win->out_w; x++, to += out_c) {
                *to = (int8_t)xn_scale(sums[x], c, scales, &p->scaling);
            }
        }
    }
}
