// TRANSPOSE_CONV of float32.
#include "ops/transpose_conv/xn_transpose_conv.h"

typedef struct xn_transpose_conv_f32_params {
    xn_transpose_conv_shape shape;
    float low, high;
} xn_transpose_conv_f32_params;

// As in transpose_conv.c; the sum runs in the order of the input's memory.
static inline float transpose_conv_f32_sum(const float *in, int32_t top, const float *w,
                                           xn_transpose_conv_taps rows,
                                           xn_transpose_conv_taps columns,
                                           const xn_transpose_conv_shape *s) {
    float sum = 0.0f;
    for (int32_t j = rows.last - 1; j >= rows.first; j--) {
        for (int32_t i = columns.last - 1; i >= columns.first; i--) {
            int32_t ky = rows.phase + j * s->stride_h;
            int32_t kx = columns.phase + i * s->stride_w;
            const float *x = in + ((rows.near - j - top) * s->in_w + columns.near - i) * s->in_c;
            const float *tap = w + (ky * s->k_w + kx) * s->in_c;
            for (int32_t c = 0; c < s->in_c; c++) {
                sum += x[c] * tap[c];
            }
        }
    }
    return sum;
}

// in, rows, filter, out: as in transpose_conv.c, of floats; bias: float [out_c].
XN_KERNEL void xn_transpose_conv_f32(const float *in, const int32_t *rows, const float *filter,
                                     const float *bias, float *out,
                                     const xn_transpose_conv_f32_params *p) {
    const xn_transpose_conv_shape *s = &p->shape;
    int32_t filter_size = s->k_h * s->k_w * s->in_c;
    for (int32_t y = s->first_row; y < s->first_row + s->out_h; y++) {
        xn_transpose_conv_taps down =
            transpose_conv_taps(y + s->pad_top, s->k_h, s->stride_h, s->in_h);
        for (int32_t x = 0; x < s->out_w; x++) {
            xn_transpose_conv_taps right =
                transpose_conv_taps(x + s->pad_left, s->k_w, s->stride_w, s->in_w);
            for (int32_t c = 0; c < s->out_c; c++) {
                float sum = transpose_conv_f32_sum(in, rows[s->first_row], filter + c * filter_size,
                                                   down, right, s);
                *out++ = xn_clampf(sum + bias[c], p->low, p->high);
            }
        }
    }
}
