// DEPTHWISE_CONV_2D of float32 by int8: the image is quantised first.
#include "ops/_shared/xn_hybrid.h"

typedef struct xn_depthwise_hybrid_params {
    xn_window window;
    int32_t in_c;
    int32_t multiplier; // output channels of one input channel
    xn_hybrid layer;
} xn_depthwise_hybrid_params;

// One output. `x` and `w` are the channel's first elements; taps outside add nothing.
XN_INLINE int32_t depthwise_hybrid_sum(const int8_t *x, int32_t zero, const int8_t *w, xn_taps rows,
                                       xn_taps columns, const xn_depthwise_hybrid_params *p) {
    const xn_window *win = &p->window;
    int32_t out_c = p->in_c * p->multiplier, sum = 0;
    for (int32_t ky = rows.first; ky < rows.last; ky++) {
        int32_t y = rows.origin + ky * win->dilation_h;
        for (int32_t kx = columns.first; kx < columns.last; kx++) {
            int32_t at = columns.origin + kx * win->dilation_w;
            sum += (x[(y * win->in_w + at) * p->in_c] - zero) * w[(ky * win->k_w + kx) * out_c];
        }
    }
    return sum;
}

// in: float [in_h, in_w, in_c]; filter: int8 [k_h, k_w, in_c * multiplier]; image: scratch for the
// quantised input; out: float [out_h, out_w, in_c * multiplier].
XN_KERNEL void xn_depthwise_hybrid(const float *in, const int8_t *filter, const xn_hybrid_tables *t,
                                   int8_t *image, float *out, const xn_depthwise_hybrid_params *p) {
    const xn_window *win = &p->window;
    int32_t count = win->in_h * win->in_w * p->in_c;
    xn_quantized x = xn_quantize_values(in, count, 1, image);
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++) {
            xn_taps columns = xn_columns(win, out_x);
            for (int32_t c = 0; c < p->in_c * p->multiplier; c++) {
                const int8_t *from = image + c / p->multiplier;
                int32_t sum = depthwise_hybrid_sum(from, x.zero, filter + c, rows, columns, p);
                *out++ = xn_hybrid_output(sum, c, x, t, &p->layer);
            }
        }
    }
}
