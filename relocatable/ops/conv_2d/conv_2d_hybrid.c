// CONV_2D of float32 by int8: the image is quantised, then each window is laid out in one piece for
// the products with all filters of its group.
#include "ops/_shared/xn_hybrid.h"

#ifndef XN_CONV_2D_HYBRID_DOT
#define XN_CONV_2D_HYBRID_DOT xn_hybrid_dot
#endif

typedef struct xn_conv_2d_hybrid_params {
    xn_window window;
    int32_t in_c, out_c;
    int32_t filter_c;  // channels that one filter reads: in_c / groups
    int32_t group_out; // output channels of a group
    xn_hybrid layer;
} xn_conv_2d_hybrid_params;

static inline int8_t *conv_2d_hybrid_copy(int8_t *to, const int8_t *from, int32_t count) {
    int32_t i = 0;
    for (; i + 4 <= count; i += 4) {
        __builtin_memcpy(to + i, from + i, 4);
    }
    for (; i < count; i++) {
        to[i] = from[i];
    }
    return to + count;
}

static inline int8_t *conv_2d_hybrid_fill(int8_t *to, int32_t value, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        to[i] = (int8_t)value;
    }
    return to + count;
}

// A row of the window; `row` is the image's, at the group's first channel.
XN_INLINE int8_t *conv_2d_hybrid_row(const int8_t *row, xn_taps columns, int32_t zero, int8_t *to,
                                     const xn_conv_2d_hybrid_params *p) {
    const xn_window *win = &p->window;
    int32_t width = p->filter_c;
    to = conv_2d_hybrid_fill(to, zero, columns.first * width);
    if (win->dilation_w == 1 && width == p->in_c) {
        const int8_t *from = row + (columns.origin + columns.first) * width;
        to = conv_2d_hybrid_copy(to, from, (columns.last - columns.first) * width);
    } else {
        for (int32_t k = columns.first; k < columns.last; k++) {
            const int8_t *from = row + (columns.origin + k * win->dilation_w) * p->in_c;
            to = conv_2d_hybrid_copy(to, from, width);
        }
    }
    return conv_2d_hybrid_fill(to, zero, (win->k_w - columns.last) * width);
}

// The window in one piece, perhaps in the image itself; what is outside counts as 0.
XN_INLINE const int8_t *conv_2d_hybrid_window(const int8_t *image, xn_taps rows, xn_taps columns,
                                              int32_t zero, int8_t *column,
                                              const xn_conv_2d_hybrid_params *p) {
    const xn_window *win = &p->window;
    if (win->k_h == 1 && win->k_w == 1 && rows.first < rows.last && columns.first < columns.last) {
        return image + (rows.origin * win->in_w + columns.origin) * p->in_c;
    }
    int8_t *to = column;
    for (int32_t k = 0; k < win->k_h; k++) {
        int32_t y = rows.origin + k * win->dilation_h;
        xn_taps none = {0, win->k_w, win->k_w};
        xn_taps inside = k >= rows.first && k < rows.last ? columns : none;
        to = conv_2d_hybrid_row(image + y * win->in_w * p->in_c, inside, zero, to, p);
    }
    return column;
}

// in: float [in_h, in_w, in_c]; filter: int8 [out_c, k_h, k_w, filter_c]; image: scratch for the
// quantised input; column: scratch for a window; out: float [out_h, out_w, out_c].
XN_KERNEL void xn_conv_2d_hybrid(const float *in, const int8_t *filter, const xn_hybrid_tables *t,
                                 int8_t *image, int8_t *column, float *out,
                                 const xn_conv_2d_hybrid_params *p) {
    const xn_window *win = &p->window;
    int32_t size = win->k_h * win->k_w * p->filter_c;
    int32_t count = win->in_h * win->in_w * p->in_c;
    xn_quantized x = xn_quantize_values(in, count, p->layer.is_asymmetric, image);
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++, out += p->out_c) {
            xn_taps columns = xn_columns(win, out_x);
            for (int32_t first = 0; first < p->out_c; first += p->group_out) {
                const int8_t *group = image + first / p->group_out * p->filter_c;
                const int8_t *window =
                    conv_2d_hybrid_window(group, rows, columns, x.zero, column, p);
                for (int32_t c = first; c < first + p->group_out; c++) {
                    int32_t sum = XN_CONV_2D_HYBRID_DOT(window, filter + c * size, size);
                    out[c] = xn_hybrid_output(sum, c, x, t, &p->layer);
                }
            }
        }
    }
}
