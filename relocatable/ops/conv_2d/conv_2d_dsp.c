// CONV_2D of integers for the DSP extension: four pixels by two output channels at a time.
//
// The windows of four pixels of a row are laid out as pairs of 16-bit values ("columns", see
// xn_dsp.h) once for all output channels. A window consists of runs, values that are side by side
// in the image: first the whole words of each run, then what is left of all runs.
//
// Values and weights of uint8 are brought to int8; the weights' zero point that is then left takes
// as many times the sum of a window's values from all its sums.
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/conv_2d/xn_conv_2d_dsp.h"

typedef struct {
    xn_window window;
    int32_t in_c, out_c;
    int32_t run;   // values of a run: a row of the window, or one tap if it is dilated
    int32_t left;  // values in scratch for what is left of a pixel's runs; a multiple of 4
    int32_t quads; // of a window: four values each, filled up with 0
    int32_t part;  // quads after which sums are saved, since they might overflow
    int32_t is_wide;
    int32_t in_zero;
    XN_FILTER_ZERO_FIELD
    xn_dsp_scaling scaling;
} XN_NAME(xn_conv_2d_dsp_params);

// Values in a word, and their number's power of two.
#define CONV_2D_DSP_EACH (1 << CONV_2D_DSP_SHIFT)
#define CONV_2D_DSP_SHIFT (XN_IS_16_BITS ? 1 : 2)

static inline XN_T *XN_NAME(conv_2d_dsp_copy)(XN_T *to, const XN_T *from, int32_t count) {
    int32_t words = count >> CONV_2D_DSP_SHIFT, rest = count & (CONV_2D_DSP_EACH - 1);
#pragma clang loop unroll_count(4)
    for (; words > 0; words--, from += CONV_2D_DSP_EACH, to += CONV_2D_DSP_EACH) {
        uint32_t word = xn_load_bytes(from);
        __builtin_memcpy(to, &word, sizeof word);
    }
    for (; rest > 0; rest--) {
        *to++ = *from++;
    }
    return to;
}

// Zero points of 16 bits are 0.
static inline XN_T *XN_NAME(conv_2d_dsp_fill)(XN_T *to, int32_t value, int32_t count) {
    uint32_t word = ((uint32_t)value & 0xFFu) * 0x01010101u;
    int32_t words = count >> CONV_2D_DSP_SHIFT, rest = count & (CONV_2D_DSP_EACH - 1);
#pragma clang loop unroll_count(4)
    for (; words > 0; words--, to += CONV_2D_DSP_EACH) {
        __builtin_memcpy(to, &word, sizeof word);
    }
    for (; rest > 0; rest--) {
        *to++ = (XN_T)value;
    }
    return to;
}

// Positions [x, x + width) of row y of the image; values outside it are the zero point.
static __attribute__((noinline)) void
XN_NAME(conv_2d_dsp_patch)(const XN_T *in, int32_t y, int32_t x, int32_t width, XN_T *to,
                           const XN_NAME(xn_conv_2d_dsp_params) * p) {
    const xn_window *win = &p->window;
    int32_t first = xn_max(x, 0), last = xn_min(x + width, win->in_w);
    if (y < 0 || y >= win->in_h || first >= last) {
        XN_NAME(conv_2d_dsp_fill)(to, p->in_zero, width * p->in_c);
        return;
    }
    const XN_T *from = in + (y * win->in_w + first) * p->in_c;
    to = XN_NAME(conv_2d_dsp_fill)(to, p->in_zero, (first - x) * p->in_c);
    to = XN_NAME(conv_2d_dsp_copy)(to, from, (last - first) * p->in_c);
    XN_NAME(conv_2d_dsp_fill)(to, p->in_zero, (x + width - last) * p->in_c);
}

// A multiple of 4 values of each of `pixels` pixels, `step` apart, to the columns; adds them to the
// pixels' sums unless that is 0.
XN_INLINE uint32_t *XN_NAME(conv_2d_dsp_expand)(const XN_T *x, int32_t step, int32_t count,
                                                uint32_t *to, int32_t pixels, int32_t values[4],
                                                const XN_NAME(xn_conv_2d_dsp_params) * p) {
#pragma clang loop unroll_count(2)
    for (int32_t i = 0; i < count; i += 4, x += 4, to += 2 * pixels) {
        uint32_t words[4];
#if XN_IS_16_BITS
        for (int32_t k = 0; k < pixels; k++) {
            to[k] = xn_load_bytes(x + k * step);
            words[k] = xn_load_bytes(x + k * step + 2);
        }
        for (int32_t k = 0; k < pixels; k++) {
            to[pixels + k] = words[k];
        }
#else
        for (int32_t k = 0; k < pixels; k++) {
            words[k] = xn_load_bytes(x + k * step);
            if (values) {
                values[k] = xn_add_bytes(words[k], values[k]);
            }
            words[k] ^= XN_FLIP;
        }
        for (int32_t k = 0; k < pixels; k++) {
            to[k] = xn_even_bytes(words[k]);
        }
        for (int32_t k = 0; k < pixels; k++) {
            to[pixels + k] = p->is_wide ? xn_odd_bytes(words[k]) : xn_mixed_bytes(words[k]);
        }
#endif
    }
    return to;
}

// The windows of `pixels` neighbours into their columns. `spare`: scratch for a row of the image
// and, `left` for each pixel, for what is left of the runs; values: what their sums begin at.
XN_INLINE void XN_NAME(conv_2d_dsp_windows)(const XN_T *in, int32_t out_y, int32_t out_x,
                                            uint32_t *to, XN_T *spare, int32_t pixels,
                                            int32_t values[4],
                                            const XN_NAME(xn_conv_2d_dsp_params) * p) {
    const xn_window *win = &p->window;
    int32_t step = win->stride_w * p->in_c;
    int32_t words = p->run & ~3, rest = p->run & 3;
    int32_t width = (pixels - 1) * win->stride_w + (win->k_w - 1) * win->dilation_w + 1;
    int32_t x = out_x * win->stride_w - win->pad_left;
    int32_t y = out_y * win->stride_h - win->pad_top;
    int32_t is_whole = x >= 0 && x + width <= win->in_w;
    XN_T *left = spare;
    XN_T *patch = spare + (XN_IS_UNSIGNED ? 4 : pixels) * p->left;
#pragma clang loop unroll(disable)
    for (int32_t ky = 0; ky < win->k_h; ky++, y += win->dilation_h) {
        const XN_T *row = in + (y * win->in_w + x) * p->in_c;
        if (!is_whole || y < 0 || y >= win->in_h) {
            XN_NAME(conv_2d_dsp_patch)(in, y, x, width, patch, p);
            row = patch;
        }
        for (int32_t at = 0; at < win->k_w * p->in_c; at += p->run) {
            to = XN_NAME(conv_2d_dsp_expand)(row, step, words, to, pixels, values, p);
            for (int32_t k = 0; k < pixels; k++) {
                for (int32_t i = 0; i < rest; i++) {
                    left[k * p->left + i] = row[k * step + words + i];
                }
            }
            left += rest;
            row += win->dilation_w * p->in_c;
        }
    }
    // The end meets weights of 0.
    XN_NAME(conv_2d_dsp_expand)(spare, p->left, p->left, to, pixels, values, p);
}

// What no value is left for counts as 0 in the windows' sums.
static inline void XN_NAME(conv_2d_dsp_end)(XN_T *spare, const XN_NAME(xn_conv_2d_dsp_params) * p) {
    int32_t used = p->window.k_h * (p->window.k_w * p->in_c / p->run) * (p->run & 3);
    for (int32_t k = 0; k < 4; k++) {
        for (int32_t i = used; i < p->left; i++) {
            spare[k * p->left + i] = (XN_T)XN_FLIP;
        }
    }
}

// sums[pixel][channel] of four pixels over some quads; sums[0] holds what they start from, besides
// the base of each pixel, if they have one. Returns what follows in the filter.
XN_INLINE_IF_WHOLE const uint32_t *
XN_NAME(conv_2d_dsp_block)(const uint32_t *columns, const uint32_t *filter, int32_t quads,
                           int32_t is_wide, const int32_t base[4], XN_SUM sums[4][2]) {
    int32_t s0 = (int32_t)sums[0][0], s1 = (int32_t)sums[0][1];
    int32_t s00 = s0, s10 = s0, s20 = s0, s30 = s0;
    int32_t s01 = s1, s11 = s1, s21 = s1, s31 = s1;
    if (base) {
        s00 += base[0], s10 += base[1], s20 += base[2], s30 += base[3];
        s01 += base[0], s11 += base[1], s21 += base[2], s31 += base[3];
    }
    uint32_t w0, w1, xa, xb;
    if (XN_IS_16_BITS) {
        CONV_2D_DSP_ALL(CONV_2D_DSP_16);
    } else if (is_wide) {
        CONV_2D_DSP_ALL(CONV_2D_DSP_WIDE);
    } else {
        CONV_2D_DSP_ALL(CONV_2D_DSP_PACKED);
    }
    CONV_2D_DSP_PUT(sums);
    return filter;
}

// The same for one pixel.
XN_INLINE const uint32_t *XN_NAME(conv_2d_dsp_single)(const uint32_t *columns,
                                                      const uint32_t *filter, int32_t quads,
                                                      int32_t is_wide, int32_t base,
                                                      XN_SUM sums[1][2]) {
    int32_t s0 = (int32_t)sums[0][0] + base, s1 = (int32_t)sums[0][1] + base;
    for (int32_t i = 0; i < quads; i++) {
        uint32_t xa, xb, w0, w1;
        XN_NEXT_TWO(columns, xa, xb);
        XN_NEXT_TWO(filter, w0, w1);
        s0 = xn_add_products(xa, XN_IS_16_BITS ? xn_even_bytes(w0) : w0, s0);
        s1 = xn_add_products(xa, XN_IS_16_BITS ? xn_even_bytes(w1) : w1, s1);
        if (XN_IS_16_BITS) {
            w0 = xn_odd_bytes(w0);
            w1 = xn_odd_bytes(w1);
        } else if (is_wide) {
            XN_NEXT_TWO(filter, w0, w1);
        } else {
            w0 = xn_even_bytes(w0);
            w1 = xn_even_bytes(w1);
        }
        s0 = xn_add_products(xb, w0, s0);
        s1 = xn_add_products(xb, w1, s1);
    }
    sums[0][0] = s0;
    sums[0][1] = s1;
    return filter;
}

XN_INLINE const uint32_t *XN_NAME(conv_2d_dsp_sums)(const uint32_t *columns, const uint32_t *filter,
                                                    int32_t quads, int32_t is_wide, int32_t pixels,
                                                    const int32_t base[4], XN_SUM sums[4][2]) {
    if (pixels == 4) {
        return XN_NAME(conv_2d_dsp_block)(columns, filter, quads, is_wide, base, sums);
    }
    return XN_NAME(conv_2d_dsp_single)(columns, filter, quads, is_wide, base ? base[0] : 0, sums);
}

// Sums whose parts alone fit into 32 bits; those of 8-bit values at 2^-8.
XN_INLINE const uint32_t *XN_NAME(conv_2d_dsp_long_sums)(const uint32_t *columns,
                                                         const uint32_t *filter, int32_t pixels,
                                                         const int32_t base[4], XN_SUM sums[4][2],
                                                         const XN_NAME(xn_conv_2d_dsp_params) * p) {
    XN_SUM start[2] = {sums[0][0], sums[0][1]};
    for (int32_t i = 0; i < pixels; i++) {
        sums[i][0] = start[0] + (base ? base[i] : 0);
        sums[i][1] = start[1] + (base ? base[i] : 0);
    }
    for (int32_t at = 0; at < p->quads; at += p->part) {
        XN_SUM more[4][2] = {{0, 0}};
        filter = XN_NAME(conv_2d_dsp_sums)(columns + 2 * pixels * at, filter,
                                           xn_min(p->part, p->quads - at), 0, pixels, 0, more);
        for (int32_t i = 0; i < pixels; i++) {
            sums[i][0] += XN_IS_16_BITS ? more[i][0] : more[i][0] >> (8 - p->scaling.unit);
            sums[i][1] += XN_IS_16_BITS ? more[i][1] : more[i][1] >> (8 - p->scaling.unit);
        }
    }
    return filter;
}

// All output channels of one or four pixels; base: what belongs to the sums of each, or 0.
XN_INLINE void XN_NAME(conv_2d_dsp_channels)(const uint32_t *columns, const uint32_t *filter,
                                             int32_t pixels, const int32_t base[4],
                                             XN_T *out XN_PART,
                                             const XN_NAME(xn_conv_2d_dsp_params) * p) {
    out += XN_FIRST;
    for (int32_t c = XN_FIRST; c < XN_LAST(p); c += 2, out += 2, filter += 4 * p->scaling.step) {
        XN_SUM sums[4][2];
        sums[0][0] = (int32_t)filter[0];
        sums[0][1] = (int32_t)filter[1];
        if (p->part >= p->quads) {
            filter = XN_NAME(conv_2d_dsp_sums)(columns, filter + 2, p->quads, p->is_wide, pixels,
                                               base, sums);
        } else {
            filter = XN_NAME(conv_2d_dsp_long_sums)(columns, filter + 2, pixels, base, sums, p);
        }
        for (int32_t j = 0; j < 2 && c + j < XN_LAST(p); j++) {
            xn_dsp_factor factor = xn_dsp_factor_of(filter, 2, j, &p->scaling);
            for (int32_t i = 0; i < pixels; i++) {
                out[i * p->out_c + j] = (XN_T)XN_DSP_SCALE(sums[i][j], factor, &p->scaling);
            }
        }
    }
}

// One or four pixels.
XN_INLINE void XN_NAME(conv_2d_dsp_pixels)(const XN_T *in, int32_t y, int32_t x, int32_t pixels,
                                           const uint32_t *filter, uint32_t *columns, XN_T *spare,
                                           XN_T *out XN_PART,
                                           const XN_NAME(xn_conv_2d_dsp_params) * p) {
    if (XN_FILTER_ZERO(p) == 0) {
        XN_NAME(conv_2d_dsp_windows)(in, y, x, columns, spare, pixels, 0, p);
        XN_NAME(conv_2d_dsp_channels)(columns, filter, pixels, 0, out XN_PASS_PART, p);
        return;
    }
    int32_t values[4];
    for (int32_t i = 0; i < pixels; i++) {
        values[i] = p->quads * -4 * 128;
    }
    XN_NAME(conv_2d_dsp_windows)(in, y, x, columns, spare, pixels, values, p);
    for (int32_t i = 0; i < pixels; i++) {
        values[i] = (int32_t)((uint32_t)(-XN_FILTER_ZERO(p) * values[i]) << p->scaling.unit);
    }
    XN_NAME(conv_2d_dsp_channels)(columns, filter, pixels, values, out XN_PASS_PART, p);
}

// in: [in_h, in_w, in_c]; filter: stream in blocks of two channels, [quads, 2] words of four
// weights each, the last of 0 if out_c is odd; columns: scratch of 32 * quads bytes; spare:
// scratch of 4 * left values and of the row that four windows cover; out: [out_h, out_w,
// out_c].
XN_KERNEL void XN_NAME(xn_conv_2d_dsp)(const XN_T *in, const uint32_t *filter, uint32_t *columns,
                                       XN_T *spare, XN_T *out XN_PART,
                                       const XN_NAME(xn_conv_2d_dsp_params) * p) {
    const xn_window *win = &p->window;
    if (XN_FILTER_ZERO(p) != 0) {
        XN_NAME(conv_2d_dsp_end)(spare, p);
    }
    for (int32_t y = 0; y < win->out_h; y++) {
        int32_t x = 0;
        for (; x + 4 <= win->out_w; x += 4, out += 4 * p->out_c) {
            XN_NAME(conv_2d_dsp_pixels)(in, y, x, 4, filter, columns, spare, out XN_PASS_PART, p);
        }
        for (; x < win->out_w; x++, out += p->out_c) {
            XN_NAME(conv_2d_dsp_pixels)(in, y, x, 1, filter, columns, spare, out XN_PASS_PART, p);
        }
    }
}
