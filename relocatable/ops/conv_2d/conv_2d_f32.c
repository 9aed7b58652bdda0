// CONV_2D of float32, with weights of a type of their own.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_widen.h"

typedef struct {
    xn_window window;
    int32_t in_c, out_c, filter_c, group_out; // as in conv_2d.c
    float low, high;
} XN_NAME(xn_conv_2d_f32_params);

static inline float XN_NAME(conv_2d_f32_dot)(float sum, const float *x, const XN_T *w, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        sum += x[i] * XN_WIDEN(w + i);
    }
    return sum;
}

// Adds the taps [columns.first, columns.last) of a row of the window. `x`: the first tap's pixel,
// at the group's first channel; `w`: the first tap's weights.
static inline float XN_NAME(conv_2d_f32_row)(float sum, const float *x, const XN_T *w,
                                             xn_taps columns,
                                             const XN_NAME(xn_conv_2d_f32_params) * p) {
    const xn_window *win = &p->window;
    x += columns.first * win->dilation_w * p->in_c;
    w += columns.first * p->filter_c;
    if (win->dilation_w > 1 || p->filter_c != p->in_c) {
        for (int32_t kx = columns.first; kx < columns.last; kx++) {
            sum = XN_NAME(conv_2d_f32_dot)(sum, x, w, p->filter_c);
            x += win->dilation_w * p->in_c;
            w += p->filter_c;
        }
        return sum;
    }
    int32_t count = (columns.last - columns.first) * p->in_c;
    if (count == win->k_w * p->in_c) {
        return XN_NAME(conv_2d_f32_dot)(sum, x, w, win->k_w * p->in_c); // a constant
    }
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < count; i++) {
        sum += x[i] * XN_WIDEN(w + i);
    }
    return sum;
}

// in: float [in_h, in_w, in_c]; filter: T [out_c, k_h, k_w, filter_c]; bias: float [out_c];
// out: float [out_h, out_w, out_c]. Sums run in the order of the filter's memory.
XN_KERNEL void XN_NAME(xn_conv_2d_f32)(const float *in, const XN_T *filter, const float *bias,
                                       float *out XN_PART,
                                       const XN_NAME(xn_conv_2d_f32_params) * p) {
    const xn_window *win = &p->window;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++) {
            xn_taps columns = xn_columns(win, out_x);
            out += XN_FIRST;
            for (int32_t c = XN_FIRST; c < XN_LAST(p); c++) {
                const float *group = in + c / p->group_out * p->filter_c;
                float sum = 0.0f;
#pragma clang loop unroll(disable)
                for (int32_t ky = rows.first; ky < rows.last; ky++) {
                    int32_t y = rows.origin + ky * win->dilation_h;
                    const float *x = group + (y * win->in_w + columns.origin) * p->in_c;
                    const XN_T *w =
                        filter + ((c - XN_FIRST) * win->k_h + ky) * win->k_w * p->filter_c;
                    sum = XN_NAME(conv_2d_f32_row)(sum, x, w, columns, p);
                }
                *out++ = xn_clampf(sum + bias[c], p->low, p->high);
            }
            out += p->out_c - XN_LAST(p);
        }
    }
}
