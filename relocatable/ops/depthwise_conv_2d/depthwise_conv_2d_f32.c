// DEPTHWISE_CONV_2D of float32, with weights of a type of their own.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_widen.h"

typedef struct {
    xn_window window;
    int32_t in_c, multiplier; // as in depthwise_conv_2d.c
    float low, high;
} XN_NAME(xn_depthwise_f32_params);

// in: float [in_h, in_w, in_c]; filter: T [k_h, k_w, in_c * multiplier];
// bias: float [in_c * multiplier]; out: float [out_h, out_w, in_c * multiplier].
XN_KERNEL void XN_NAME(xn_depthwise_f32)(const float *in, const XN_T *filter, const float *bias,
                                         float *out, const XN_NAME(xn_depthwise_f32_params) * p) {
    const xn_window *win = &p->window;
    int32_t out_c = p->in_c * p->multiplier;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++) {
            xn_taps columns = xn_columns(win, out_x);
            for (int32_t c = 0; c < out_c; c++) {
                float sum = 0.0f;
                for (int32_t ky = rows.first; ky < rows.last; ky++) {
                    int32_t y = rows.origin + ky * win->dilation_h;
                    for (int32_t kx = columns.first; kx < columns.last; kx++) {
                        int32_t at = columns.origin + kx * win->dilation_w;
                        float x = in[(y * win->in_w + at) * p->in_c + c / p->multiplier];
                        sum += x * XN_WIDEN(filter + (ky * win->k_w + kx) * out_c + c);
                    }
                }
                *out++ = xn_clampf(sum + bias[c], p->low, p->high);
            }
        }
    }
}
