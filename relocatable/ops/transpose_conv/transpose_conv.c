// TRANSPOSE_CONV: each pixel of the output sums the taps that lead to it from pixels of the input.
#include "ops/_shared/xn_hybrid.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

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

typedef struct xn_transpose_conv_i8_params {
    xn_transpose_conv_shape shape;
    int32_t in_zero;
    xn_scaling scaling;
} xn_transpose_conv_i8_params;

// The sum of one output; `in` is row `top` of the input, `w` the channel's filter.
static inline int32_t transpose_conv_i8_sum(const int8_t *in, int32_t top, const int8_t *w,
                                            xn_transpose_conv_taps rows,
                                            xn_transpose_conv_taps columns,
                                            const xn_transpose_conv_i8_params *p) {
    const xn_transpose_conv_shape *s = &p->shape;
    int32_t sum = 0;
    for (int32_t j = rows.first; j < rows.last; j++) {
        for (int32_t i = columns.first; i < columns.last; i++) {
            int32_t ky = rows.phase + j * s->stride_h;
            int32_t kx = columns.phase + i * s->stride_w;
            const int8_t *x = in + ((rows.near - j - top) * s->in_w + columns.near - i) * s->in_c;
            const int8_t *tap = w + (ky * s->k_w + kx) * s->in_c;
            for (int32_t c = 0; c < s->in_c; c++) {
                sum += (x[c] - p->in_zero) * tap[c];
            }
        }
    }
    return sum;
}

// in: int8 [.., in_w, in_c], from row rows[first_row] on; rows: the first that each row of the
// output reads; filter: int8 [out_c, k_h, k_w, in_c]; out: int8 [out_h, out_w, out_c].
XN_KERNEL void xn_transpose_conv_i8(const int8_t *in, const int32_t *rows, const int8_t *filter,
                                    const xn_scales *scales, int8_t *out,
                                    const xn_transpose_conv_i8_params *p) {
    const xn_transpose_conv_shape *s = &p->shape;
    int32_t filter_size = s->k_h * s->k_w * s->in_c;
    for (int32_t y = s->first_row; y < s->first_row + s->out_h; y++) {
        xn_transpose_conv_taps down =
            transpose_conv_taps(y + s->pad_top, s->k_h, s->stride_h, s->in_h);
        for (int32_t x = 0; x < s->out_w; x++) {
            xn_transpose_conv_taps right =
                transpose_conv_taps(x + s->pad_left, s->k_w, s->stride_w, s->in_w);
            for (int32_t c = 0; c < s->out_c; c++) {
                int32_t sum = transpose_conv_i8_sum(in, rows[s->first_row],
                                                    filter + c * filter_size, down, right, p);
                *out++ = (int8_t)xn_scale(sum, c, scales, &p->scaling);
            }
        }
    }
}

typedef struct xn_transpose_conv_f32_params {
    xn_transpose_conv_shape shape;
    float low, high;
} xn_transpose_conv_f32_params;

// As above; the sum runs in the order of the input's memory.
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

// in, rows, filter, out: as above, of floats; bias: float [out_c].
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

typedef struct xn_transpose_conv_hybrid_params {
    xn_transpose_conv_shape shape;
    int32_t step; // 0: one scale for all channels
    float low, high;
} xn_transpose_conv_hybrid_params;

// As transpose_conv_f32_sum; LiteRT, too, makes each product a float and adds it up.
static inline float transpose_conv_hybrid_sum(const int8_t *in, xn_quantized x, float scale,
                                              const int8_t *w, xn_transpose_conv_taps rows,
                                              xn_transpose_conv_taps columns,
                                              const xn_transpose_conv_shape *s) {
    float sum = 0.0f;
    for (int32_t j = rows.last - 1; j >= rows.first; j--) {
        for (int32_t i = columns.last - 1; i >= columns.first; i--) {
            int32_t ky = rows.phase + j * s->stride_h;
            int32_t kx = columns.phase + i * s->stride_w;
            const int8_t *pixel = in + ((rows.near - j) * s->in_w + columns.near - i) * s->in_c;
            const int8_t *tap = w + (ky * s->k_w + kx) * s->in_c;
            for (int32_t c = 0; c < s->in_c; c++) {
                sum += (float)((pixel[c] - x.zero) * tap[c]) * scale * x.scale;
            }
        }
    }
    return sum;
}

// in: float [in_h, in_w, in_c]; filter: int8 [out_c, k_h, k_w, in_c]; scale: float [out_c], or one;
// bias: float [out_c]; image: scratch for the quantised input; out: float [out_h, out_w, out_c].
XN_KERNEL void xn_transpose_conv_hybrid(const float *in, const int8_t *filter, const float *scale,
                                        const float *bias, int8_t *image, float *out,
                                        const xn_transpose_conv_hybrid_params *p) {
    const xn_transpose_conv_shape *s = &p->shape;
    xn_quantized quantized = xn_quantize_values(in, s->in_h * s->in_w * s->in_c, 1, image);
    int32_t filter_size = s->k_h * s->k_w * s->in_c;
    for (int32_t y = 0; y < s->out_h; y++) {
        xn_transpose_conv_taps down =
            transpose_conv_taps(y + s->pad_top, s->k_h, s->stride_h, s->in_h);
        for (int32_t x = 0; x < s->out_w; x++) {
            xn_transpose_conv_taps right =
                transpose_conv_taps(x + s->pad_left, s->k_w, s->stride_w, s->in_w);
            for (int32_t c = 0; c < s->out_c; c++) {
                float sum = transpose_conv_hybrid_sum(image, quantized, scale[c * p->step],
                                                      filter + c * filter_size, down, right, s);
                *out++ = xn_clampf(sum + bias[c], p->low, p->high);
            }
        }
    }
}
