// TRANSPOSE_CONV of float32 by int8: the image is quantised first.
#include "ops/_shared/xn_hybrid.h"
#include "ops/transpose_conv/xn_transpose_conv.h"

typedef struct xn_transpose_conv_hybrid_params {
    xn_transpose_conv_shape shape;
    int32_t step; // 0: one scale for all channels
    float low, high;
} xn_transpose_conv_hybrid_params;

// The sum of one output, in the order of the input's memory; LiteRT, too, makes each product a
// float and adds it up.
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
