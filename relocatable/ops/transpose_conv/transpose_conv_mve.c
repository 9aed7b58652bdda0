// TRANSPOSE_CONV of integers for Helium: one pixel by four output channels at a time, 16 or 8
// products in an instruction.
//
// Pixels of the output that are a stride apart have the same taps: for them the layer is a CONV_2D
// of stride 1. Its filters have their taps in the order of the input.
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_mve.h"
#include "ops/_shared/xn_mve_fours.h"
#include "ops/transpose_conv/xn_transpose_conv.h"

typedef struct {
    xn_transpose_conv_shape shape;
    int32_t in_zero;
    XN_FILTER_ZERO_FIELD
    int32_t bias_step;  // from the biases of a phase to those of the next: the channels, or 0
    xn_scaling scaling; // as in conv_2d_mve.c
} XN_NAME(xn_transpose_conv_mve_params);

// The window whose upper left pixel is x of row down.first of the image, of which `in` is row
// `top`: in one piece, values outside are the zero point. column: scratch for it.
static inline const XN_T *
XN_NAME(transpose_conv_mve_window)(const XN_T *in, int32_t top, xn_transpose_conv_phase down,
                                   int32_t x, int32_t taps, XN_T *column,
                                   const XN_NAME(xn_transpose_conv_mve_params) * p) {
    const xn_transpose_conv_shape *s = &p->shape;
    int32_t first = xn_max(x, 0), last = xn_min(x + taps, s->in_w), line = taps * s->in_c;
    int32_t inside = (last - first) * s->in_c, is_whole = last - first == taps;
    const XN_T *from = in + ((down.first - top) * s->in_w + first) * s->in_c;
    if (down.taps == 1 && is_whole && down.first >= 0 && down.first < s->in_h) {
        return from;
    }
    XN_T *to = column;
#pragma clang loop unroll(disable)
    for (int32_t j = 0; j < down.taps; j++, from += s->in_w * s->in_c, to += line) {
        int32_t y = down.first + j;
        if (y < 0 || y >= s->in_h || !is_whole) {
            XN_NAME(xn_mve_fill)(to, p->in_zero, line);
        }
        if (y >= 0 && y < s->in_h && first < last) {
            XN_NAME(xn_mve_copy)(to + (first - x) * s->in_c, from, inside);
        }
    }
    return column;
}

// All channels of a pixel.
static inline void
XN_NAME(transpose_conv_mve_pixel)(const XN_T *x, int32_t size, const XN_FILTER_T *filter,
                                  const xn_scales *scales, XN_T *out,
                                  const XN_NAME(xn_transpose_conv_mve_params) * p) {
    int32_t channels = p->shape.out_c, base = 0;
    if (XN_FILTER_ZERO(p) != 0) {
        base = -XN_FILTER_ZERO(p) * XN_NAME(xn_mve_values)(x, size);
    }
#pragma clang loop unroll(disable)
    for (int32_t c = 0; c < channels; c += 4) {
        mve_pred16_t lanes = vctp32q((uint32_t)(channels - c));
        int32x4_t y = XN_NAME(xn_mve_four)(x, filter + c * size, size);
        y = XN_FILTER_ZERO(p) != 0 ? vaddq_n_s32(y, base) : y;
        y = XN_MVE_SCALE(y, xn_mve_load_some_scales(scales, c, lanes), &p->scaling);
        XN_NAME(xn_mve_store_some)(out + c, xn_mve_clamp(y, &p->scaling), lanes);
    }
}

// in, rows, out: as in transpose_conv.c; starts: of each phase in the filter, rows of the stride
// first; filter: of each phase as in conv_2d_mve.c; column: scratch for the largest window.
XN_KERNEL void XN_NAME(xn_transpose_conv_mve)(const XN_T *in, const int32_t *rows,
                                              const int32_t *starts, const XN_FILTER_T *filter,
                                              const xn_scales *scales, XN_T *column, XN_T *out,
                                              const XN_NAME(xn_transpose_conv_mve_params) * p) {
    const xn_transpose_conv_shape *s = &p->shape;
    for (int32_t y = 0; y < s->out_h; y++, out += s->out_w * s->out_c) {
        xn_transpose_conv_phase down =
            transpose_conv_phase(s->first_row + y + s->pad_top, s->k_h, s->stride_h);
#pragma clang loop unroll(disable)
        for (int32_t first = 0; first < xn_min(s->stride_w, s->out_w); first++) {
            xn_transpose_conv_phase right =
                transpose_conv_phase(first + s->pad_left, s->k_w, s->stride_w);
            int32_t phase = down.phase * s->stride_w + right.phase;
            int32_t size = down.taps * right.taps * s->in_c, left = right.first;
            xn_scales own = *scales;
            own.bias += phase * p->bias_step;
#pragma clang loop unroll(disable)
            for (int32_t x = first; x < s->out_w; x += s->stride_w, left++) {
                const XN_T *window = XN_NAME(transpose_conv_mve_window)(
                    in, rows[s->first_row], down, left, right.taps, column, p);
                XN_NAME(transpose_conv_mve_pixel)(window, size, filter + starts[phase], &own,
                                                  out + x * s->out_c, p);
            }
        }
    }
}
