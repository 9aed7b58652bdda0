// TRANSPOSE_CONV of integers.
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_scale.h"
#include "ops/transpose_conv/xn_transpose_conv.h"

typedef struct {
    xn_transpose_conv_shape shape;
    int32_t in_zero;
    XN_FILTER_ZERO_FIELD
    xn_scaling scaling;
} XN_NAME(xn_transpose_conv_params);

// The sum of one output; `in` is row `top` of the input, `w` the channel's filter.
static inline XN_SUM XN_NAME(transpose_conv_sum)(const XN_T *in, int32_t top, const XN_FILTER_T *w,
                                                 xn_transpose_conv_taps rows,
                                                 xn_transpose_conv_taps columns,
                                                 const XN_NAME(xn_transpose_conv_params) * p) {
    const xn_transpose_conv_shape *s = &p->shape;
    XN_SUM sum = 0;
    for (int32_t j = rows.first; j < rows.last; j++) {
        for (int32_t i = columns.first; i < columns.last; i++) {
            int32_t ky = rows.phase + j * s->stride_h;
            int32_t kx = columns.phase + i * s->stride_w;
            const XN_T *x = in + ((rows.near - j - top) * s->in_w + columns.near - i) * s->in_c;
            const XN_FILTER_T *tap = w + (ky * s->k_w + kx) * s->in_c;
            for (int32_t c = 0; c < s->in_c; c++) {
                sum += (x[c] - p->in_zero) * (tap[c] - XN_FILTER_ZERO(p));
            }
        }
    }
    return sum;
}

// in: [.., in_w, in_c], from row rows[first_row] on; rows: the first that each row of the
// output reads; filter: [out_c, k_h, k_w, in_c]; out: [out_h, out_w, out_c].
XN_KERNEL void XN_NAME(xn_transpose_conv)(const XN_T *in, const int32_t *rows,
                                          const XN_FILTER_T *filter, const xn_scales *scales,
                                          XN_T *out, const XN_NAME(xn_transpose_conv_params) * p) {
    const xn_transpose_conv_shape *s = &p->shape;
    int32_t filter_size = s->k_h * s->k_w * s->in_c;
    for (int32_t y = s->first_row; y < s->first_row + s->out_h; y++) {
        xn_transpose_conv_taps down =
            transpose_conv_taps(y + s->pad_top, s->k_h, s->stride_h, s->in_h);
        for (int32_t x = 0; x < s->out_w; x++) {
            xn_transpose_conv_taps right =
                transpose_conv_taps(x + s->pad_left, s->k_w, s->stride_w, s->in_w);
            for (int32_t c = 0; c < s->out_c; c++) {
                XN_SUM sum = XN_NAME(transpose_conv_sum)(in, rows[s->first_row],
                                                         filter + c * filter_size, down, right, p);
                *out++ = (XN_T)XN_SCALE(sum, c, scales, &p->scaling);
            }
        }
    }
}
