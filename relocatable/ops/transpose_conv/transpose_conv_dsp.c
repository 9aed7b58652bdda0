// TRANSPOSE_CONV of integers for the DSP extension: four pixels by two output channels at a time.
//
// Pixels of the output that are a stride apart have the same taps: for them the layer is a CONV_2D
// of stride 1. Its filters have their taps in the order of the input. The windows of four pixels
// are laid out as pairs of 16-bit values less their zero point, 0 outside of the image. Values and
// weights of uint8 are brought to int8.
#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/conv_2d/xn_conv_2d_dsp.h"
#include "ops/transpose_conv/xn_transpose_conv.h"

typedef struct {
    xn_transpose_conv_shape shape;
    int32_t in_zero; // as int8
    XN_FILTER_ZERO_FIELD
    int32_t part; // quads after which sums are saved, since they might overflow; 0: they do not
    xn_scaling scaling;
} XN_NAME(xn_transpose_conv_dsp_params);

// The pixels of a row with the same taps, and these.
typedef struct {
    xn_transpose_conv_phase down, right;
    const XN_T *in; // the first row of the image that is there
    int32_t top;    // which it is
    int32_t run;    // values of a row of the window
    int32_t quads;  // that they take, and those of the whole window
    int32_t size;
    const uint32_t *filter;
} XN_NAME(transpose_conv_dsp_phase);

// Four values side by side as pairs, of which `count` are there; returns the sum so far.
XN_INLINE int32_t XN_NAME(transpose_conv_dsp_put)(const XN_T *x, int32_t count, uint32_t *to,
                                                  int32_t pixels, int32_t sum,
                                                  const XN_NAME(xn_transpose_conv_dsp_params) * p) {
#if XN_IS_16_BITS
    to[0] = xn_load_some(x, 2 * xn_min(count, 2));
    to[pixels] = xn_load_some(x + 2, 2 * xn_max(count - 2, 0));
    (void)p;
#else
    const uint32_t zeros = ((uint32_t)p->in_zero & 0xFFFFu) * 0x00010001u;
    uint32_t word = xn_load_filled(x, count, p->in_zero ^ (int32_t)XN_FLIP) ^ XN_FLIP;
    uint32_t even = (uint32_t)__ssub16((int32_t)xn_even_bytes(word), (int32_t)zeros);
    uint32_t odd = (uint32_t)__ssub16((int32_t)xn_odd_bytes(word), (int32_t)zeros);
    to[0] = even;
    to[pixels] = odd;
    if (XN_FILTER_ZERO(p) != 0) {
        sum = xn_add_products(even, 0x00010001u, xn_add_products(odd, 0x00010001u, sum));
    }
#endif
    return sum;
}

// `count` values side by side as pairs, `pixels` words apart; returns their sum.
XN_INLINE int32_t XN_NAME(transpose_conv_dsp_expand)(const XN_T *x, int32_t count, uint32_t *to,
                                                     int32_t pixels,
                                                     const XN_NAME(xn_transpose_conv_dsp_params) *
                                                         p) {
    int32_t sum = 0;
#pragma clang loop unroll_count(2)
    for (; count >= 4; count -= 4, x += 4, to += 2 * pixels) {
        sum = XN_NAME(transpose_conv_dsp_put)(x, 4, to, pixels, sum, p);
    }
    return count > 0 ? XN_NAME(transpose_conv_dsp_put)(x, count, to, pixels, sum, p) : sum;
}

// The window whose upper left pixel is x of row down.first, `pixels` words apart; spare: scratch
// for a row of it. Returns what its sums begin at.
static inline int32_t
XN_NAME(transpose_conv_dsp_window)(const XN_NAME(transpose_conv_dsp_phase) * f, int32_t x,
                                   uint32_t *to, int32_t pixels, XN_T *spare,
                                   const XN_NAME(xn_transpose_conv_dsp_params) * p) {
    const xn_transpose_conv_shape *s = &p->shape;
    int32_t first = xn_max(x, 0), last = xn_min(x + f->right.taps, s->in_w), sum = 0;
    for (int32_t j = 0; j < f->down.taps; j++, to += 2 * pixels * f->quads) {
        int32_t y = f->down.first + j;
        if (y < 0 || y >= s->in_h || first >= last) {
#pragma clang loop unroll(disable)
            for (int32_t i = 0; i < 2 * f->quads; i++) {
                to[i * pixels] = 0;
            }
            continue;
        }
        const XN_T *from = f->in + ((y - f->top) * s->in_w + first) * s->in_c;
        if (last - first < f->right.taps) {
            int32_t before = (first - x) * s->in_c, inside = (last - first) * s->in_c;
#pragma clang loop unroll(disable)
            for (int32_t i = 0; i < f->run; i++) {
                int32_t is_inside = i >= before && i < before + inside;
                spare[i] = is_inside ? from[i - before] : (XN_T)(p->in_zero + XN_IS_UNSIGNED * 128);
            }
            from = spare;
        }
        sum += XN_NAME(transpose_conv_dsp_expand)(from, f->run, to, pixels, p);
    }
    return XN_FILTER_ZERO(p) == 0 ? 0 : -XN_FILTER_ZERO(p) * sum;
}

// Adds the products of one or four pixels by two channels. Returns what follows in the filter.
XN_INLINE const uint32_t *XN_NAME(transpose_conv_dsp_add)(const uint32_t *columns,
                                                          const uint32_t *filter, int32_t quads,
                                                          int32_t pixels, int32_t sums[4][2]) {
    if (pixels == 1) {
#pragma clang loop unroll_count(2)
        for (int32_t i = 0; i < quads; i++, columns += 2, filter += 2) {
            for (int32_t k = 0; k < 2; k++) {
                int32_t sum = xn_add_products(columns[0], xn_even_bytes(filter[k]), sums[0][k]);
                sums[0][k] = xn_add_products(columns[1], xn_odd_bytes(filter[k]), sum);
            }
        }
        return filter;
    }
    int32_t s00 = sums[0][0], s01 = sums[0][1], s10 = sums[1][0], s11 = sums[1][1];
    int32_t s20 = sums[2][0], s21 = sums[2][1], s30 = sums[3][0], s31 = sums[3][1];
    uint32_t w0, w1, xa, xb;
    CONV_2D_DSP_ALL(CONV_2D_DSP_16);
    CONV_2D_DSP_PUT(sums);
    return filter;
}

// All channels of one or four pixels, of which `count` are stored.
XN_INLINE void
XN_NAME(transpose_conv_dsp_channels)(const XN_NAME(transpose_conv_dsp_phase) * f,
                                     const uint32_t *columns, const int32_t base[4], int32_t pixels,
                                     int32_t count, const xn_scales *scales, XN_T *out,
                                     const XN_NAME(xn_transpose_conv_dsp_params) * p) {
    const xn_transpose_conv_shape *s = &p->shape;
    const uint32_t *filter = f->filter;
    for (int32_t c = 0; c < s->out_c; c += 2) {
        int32_t each = p->part > 0 ? p->part : f->size, narrow[4][2];
        XN_SUM sums[4][2] = {{0}};
        int32_t at = 0;
        do {
            for (int32_t k = 0; k < pixels; k++) {
                narrow[k][0] = narrow[k][1] = base[k];
            }
            filter = XN_NAME(transpose_conv_dsp_add)(columns + 2 * pixels * at, filter,
                                                     xn_min(each, f->size - at), pixels, narrow);
            for (int32_t k = 0; k < pixels; k++) {
                sums[k][0] += narrow[k][0];
                sums[k][1] += narrow[k][1];
            }
            at += each;
        } while (p->part > 0 && at < f->size);
        for (int32_t i = 0; i < 2 && c + i < s->out_c; i++) {
            XN_T *to = out + c + i;
            for (int32_t k = 0; k < pixels && k < count; k++, to += s->stride_w * s->out_c) {
                *to = (XN_T)XN_SCALE(sums[k][i], c + i, scales, &p->scaling);
            }
        }
    }
}

// `count` pixels from x on, of one or four that are done at a time.
XN_INLINE void XN_NAME(transpose_conv_dsp_pixels)(const XN_NAME(transpose_conv_dsp_phase) * f,
                                                  int32_t x, int32_t pixels, int32_t count,
                                                  uint32_t *columns, XN_T *spare,
                                                  const xn_scales *scales, XN_T *out,
                                                  const XN_NAME(xn_transpose_conv_dsp_params) * p) {
    int32_t base[4] = {0};
#pragma clang loop unroll(disable)
    for (int32_t k = 0; k < count; k++) {
        base[k] = XN_NAME(transpose_conv_dsp_window)(f, x + k, columns + k, pixels, spare, p);
    }
    XN_NAME(transpose_conv_dsp_channels)(f, columns, base, pixels, count, scales, out, p);
}

// in, rows, out: as in transpose_conv.c; starts: of each phase in the filter, rows of the stride
// first; filter: of each phase in blocks of two channels, [quads, 2] words of four weights each, 0
// beyond the end of a row of taps and the last channel; columns: scratch of 32 bytes for each quad;
// spare: scratch for the values of a row of taps.
XN_KERNEL void XN_NAME(xn_transpose_conv_dsp)(const XN_T *in, const int32_t *rows,
                                              const int32_t *starts, const uint32_t *filter,
                                              const xn_scales *scales, uint32_t *columns,
                                              XN_T *spare, XN_T *out,
                                              const XN_NAME(xn_transpose_conv_dsp_params) * p) {
    const xn_transpose_conv_shape *s = &p->shape;
    int32_t step = s->stride_w * s->out_c;
    for (int32_t y = 0; y < s->out_h; y++, out += s->out_w * s->out_c) {
        XN_NAME(transpose_conv_dsp_phase) f = {.in = in, .top = rows[s->first_row]};
        f.down = transpose_conv_phase(s->first_row + y + s->pad_top, s->k_h, s->stride_h);
#pragma clang loop unroll(disable)
        for (int32_t first = 0; first < xn_min(s->stride_w, s->out_w); first++) {
            f.right = transpose_conv_phase(first + s->pad_left, s->k_w, s->stride_w);
            f.filter = filter + starts[f.down.phase * s->stride_w + f.right.phase];
            f.run = f.right.taps * s->in_c;
            f.quads = (f.run + 3) / 4;
            f.size = f.down.taps * f.quads;
            XN_T *to = out + first * s->out_c;
            int32_t x = f.right.first, left = (s->out_w - first + s->stride_w - 1) / s->stride_w;
            // A fourth that is not there costs less than three one by one.
            for (; left >= 3; left -= 4, x += 4, to += 4 * step) {
                XN_NAME(transpose_conv_dsp_pixels)(&f, x, 4, xn_min(left, 4), columns, spare,
                                                   scales, to, p);
            }
            for (; left > 0; left--, x++, to += step) {
                XN_NAME(transpose_conv_dsp_pixels)(&f, x, 1, 1, columns, spare, scales, to, p);
            }
        }
    }
}
