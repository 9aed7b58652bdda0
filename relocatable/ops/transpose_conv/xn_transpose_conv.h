// The taps of a TRANSPOSE_CONV: each pixel of the output sums those that lead to it from pixels of
// the input.
#ifndef XN_TRANSPOSE_CONV_H
#define XN_TRANSPOSE_CONV_H

#include "ops/_shared/xn_kernel.h"

typedef struct xn_transpose_conv_shape {
    int32_t first_row; // of the output that this call makes
    int32_t in_h, in_w, in_c;
    int32_t out_h, out_w, out_c; // out_h: rows that this call makes
    int32_t k_h, k_w;
    int32_t stride_h, stride_w;
    int32_t pad_top, pad_left;
} xn_transpose_conv_shape;

// Along one axis: taps phase + j * stride for j of [first, last), of the input's pixels near - j.
typedef struct xn_transpose_conv_taps {
    int32_t phase, near, first, last;
} xn_transpose_conv_taps;

static inline xn_transpose_conv_taps transpose_conv_taps(int32_t at, int32_t k, int32_t stride,
                                                         int32_t size) {
    int32_t near = at / stride;
    int32_t phase = at - near * stride;
    int32_t taps = phase < k ? (k - phase + stride - 1) / stride : 0;
    xn_transpose_conv_taps found = {phase, near, xn_max(0, near - size + 1),
                                    xn_min(taps, near + 1)};
    return found;
}

// Pixels of the output that are a stride apart have the same taps, of neighbours in the input: a
// phase. Along one axis: the number of its taps, the first pixel of the input that they take.
typedef struct xn_transpose_conv_phase {
    int32_t phase, taps, first;
} xn_transpose_conv_phase;

static inline xn_transpose_conv_phase transpose_conv_phase(int32_t at, int32_t k, int32_t stride) {
    int32_t near = at / stride;
    int32_t phase = at - near * stride;
    int32_t taps = phase < k ? (k - phase + stride - 1) / stride : 0;
    xn_transpose_conv_phase found = {phase, taps, near - taps + 1};
    return found;
}

#endif
