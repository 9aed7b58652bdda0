// CONV_2D of integers, plain C: the window's rows run straight through memory if the whole
// window is inside.
#include "ops/_shared/xn_dot.h"
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    xn_window window;
    int32_t in_c, out_c;
    int32_t filter_c;  // channels that one filter reads: in_c / groups
    int32_t group_out; // output channels of a group
    int32_t in_zero;   // what of it does not depend on the input is in the bias
    XN_FILTER_ZERO_FIELD
    xn_scaling scaling;
} XN_NAME(xn_conv_2d_params);

static inline XN_SUM XN_NAME(conv_2d_dot)(const XN_T *x, const XN_FILTER_T *w, int32_t n) {
#if XN_IS_16_BITS
    return xn_dot_16(x, w, n);
#else
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)x[i] * w[i];
    }
    return sum;
#endif
}

static inline int32_t XN_NAME(conv_2d_sum)(const XN_FILTER_T *w, int32_t n) {
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += w[i];
    }
    return sum;
}

// All taps inside the image. `x` is the first tap's pixel, at the group's first channel.
static inline XN_SUM XN_NAME(conv_2d_inside)(const XN_T *x, const XN_FILTER_T *w,
                                             const XN_NAME(xn_conv_2d_params) * p) {
    const xn_window *win = &p->window;
    int32_t row = win->dilation_h * win->in_w * p->in_c;
    XN_SUM sum = 0;
    for (int32_t ky = 0; ky < win->k_h; ky++) {
        if (win->dilation_w == 1 && p->filter_c == p->in_c) {
            sum += XN_NAME(conv_2d_dot)(x + ky * row, w, win->k_w * p->in_c);
            w += win->k_w * p->in_c;
            continue;
        }
        for (int32_t kx = 0; kx < win->k_w; kx++) {
            const XN_T *tap = x + ky * row + kx * win->dilation_w * p->in_c;
            sum += XN_NAME(conv_2d_dot)(tap, w, p->filter_c);
            w += p->filter_c;
        }
    }
    return sum;
}

// Some taps are outside: there the input counts as its zero point. `x` is the group's first
// channel.
static inline XN_SUM XN_NAME(conv_2d_border)(const XN_T *x, const XN_FILTER_T *w, xn_taps rows,
                                             xn_taps columns,
                                             const XN_NAME(xn_conv_2d_params) * p) {
    const xn_window *win = &p->window;
    XN_SUM sum = 0;
    for (int32_t ky = 0; ky < win->k_h; ky++) {
        int32_t y = rows.origin + ky * win->dilation_h;
        for (int32_t kx = 0; kx < win->k_w; kx++, w += p->filter_c) {
            int32_t at = columns.origin + kx * win->dilation_w;
            if (ky < rows.first || ky >= rows.last || kx < columns.first || kx >= columns.last) {
                sum += p->in_zero * XN_NAME(conv_2d_sum)(w, p->filter_c);
            } else {
                sum += XN_NAME(conv_2d_dot)(x + (y * win->in_w + at) * p->in_c, w, p->filter_c);
            }
        }
    }
    return sum;
}

// Sum of the values of uint8 of a group that a window sees. `x` is the group's first channel.
static inline int32_t XN_NAME(conv_2d_values)(const XN_T *x, xn_taps rows, xn_taps columns,
                                              const XN_NAME(xn_conv_2d_params) * p) {
    const xn_window *win = &p->window;
    int32_t sum = 0, outside = win->k_h * win->k_w;
    for (int32_t ky = rows.first; ky < rows.last; ky++) {
        int32_t y = rows.origin + ky * win->dilation_h;
        for (int32_t kx = columns.first; kx < columns.last; kx++, outside--) {
            int32_t at = columns.origin + kx * win->dilation_w;
            const XN_T *tap = x + (y * win->in_w + at) * p->in_c;
            sum += XN_NAME(conv_2d_sum)((const XN_FILTER_T *)tap, p->filter_c);
        }
    }
    return sum + outside * p->filter_c * p->in_zero;
}

// in: [in_h, in_w, in_c]; filter: [out_c, k_h, k_w, filter_c]; out: [out_h, out_w, out_c].
XN_KERNEL void XN_NAME(xn_conv_2d)(const XN_T *in, const XN_FILTER_T *filter,
                                   const xn_scales *scales, XN_T *out XN_PART,
                                   const XN_NAME(xn_conv_2d_params) * p) {
    const xn_window *win = &p->window;
    int32_t filter_size = win->k_h * win->k_w * p->filter_c;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++) {
            xn_taps columns = xn_columns(win, out_x);
            int32_t whole = rows.first == 0 && rows.last == win->k_h && columns.first == 0 &&
                            columns.last == win->k_w;
            const XN_T *first = in + (rows.origin * win->in_w + columns.origin) * p->in_c;
            int32_t base = 0; // what the filter's zero point takes from the group's sums
            out += XN_FIRST;
            for (int32_t c = XN_FIRST; c < XN_LAST(p); c++) {
                int32_t group = c / p->group_out * p->filter_c;
                int32_t begins = (XN_IS_PART && c == XN_FIRST) || c % p->group_out == 0;
                if (XN_FILTER_ZERO(p) != 0 && begins) {
                    int32_t values = XN_NAME(conv_2d_values)(in + group, rows, columns, p);
                    base = -XN_FILTER_ZERO(p) * values;
                }
                const XN_FILTER_T *w = filter + (c - XN_FIRST) * filter_size;
                XN_SUM sum = whole ? XN_NAME(conv_2d_inside)(first + group, w, p)
                                   : XN_NAME(conv_2d_border)(in + group, w, rows, columns, p);
                *out++ = (XN_T)XN_SCALE(base + sum, c, scales, &p->scaling);
            }
            out += p->out_c - XN_LAST(p);
        }
    }
}
