// CONV_2D of integers for Helium: one pixel by four output channels at a time, 16 or 8 products in
// an instruction.
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_mve.h"
#include "ops/_shared/xn_mve_fours.h"

typedef struct {
    xn_window window;
    int32_t in_c, out_c;
    int32_t in_zero;
    XN_FILTER_ZERO_FIELD
    xn_scaling scaling; // HIGH or TWICE, with shifts as LiteRT's; of int16 xn_mve_scale_16's
} XN_NAME(xn_conv_2d_mve_params);

// One pixel's window in one piece; values outside the image are the zero point.
static inline void XN_NAME(conv_2d_mve_window)(const XN_T *in, xn_taps rows, xn_taps columns,
                                               XN_T *column,
                                               const XN_NAME(xn_conv_2d_mve_params) * p) {
    const xn_window *win = &p->window;
    int32_t whole = columns.first == 0 && columns.last == win->k_w && win->dilation_w == 1;
    int32_t line = win->k_w * p->in_c;
    for (int32_t ky = 0; ky < win->k_h; ky++, column += line) {
        int32_t y = rows.origin + ky * win->dilation_h;
        const XN_T *row = in + (y * win->in_w + columns.origin) * p->in_c;
        if (ky < rows.first || ky >= rows.last) {
            XN_NAME(xn_mve_fill)(column, p->in_zero, line);
            continue;
        }
        if (whole) {
            XN_NAME(xn_mve_copy)(column, row, line);
            continue;
        }
        for (int32_t kx = 0; kx < win->k_w; kx++) {
            XN_T *to = column + kx * p->in_c;
            if (kx < columns.first || kx >= columns.last) {
                XN_NAME(xn_mve_fill)(to, p->in_zero, p->in_c);
            } else {
                XN_NAME(xn_mve_copy)(to, row + kx * win->dilation_w * p->in_c, p->in_c);
            }
        }
    }
}

// in: [in_h, in_w, in_c]; filter: [out_c, k_h, k_w, in_c]; column: scratch of k_h * k_w *
// in_c values; out: [out_h, out_w, out_c].
XN_KERNEL void XN_NAME(xn_conv_2d_mve)(const XN_T *in, const XN_FILTER_T *filter,
                                       const xn_scales *scales, XN_T *column, XN_T *out XN_PART,
                                       const XN_NAME(xn_conv_2d_mve_params) * p) {
    const xn_window *win = &p->window;
    int32_t size = win->k_h * win->k_w * p->in_c;
    int32_t is_point = win->k_h == 1 && win->k_w == 1;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++, out += p->out_c) {
            const XN_T *x = column;
            xn_taps columns = xn_columns(win, out_x);
            if (is_point && rows.first < rows.last && columns.first < columns.last) {
                x = in + (rows.origin * win->in_w + columns.origin) * p->in_c;
            } else {
                XN_NAME(conv_2d_mve_window)(in, rows, columns, column, p);
            }
            int32_t base = 0;
            if (XN_FILTER_ZERO(p) != 0) {
                base = -XN_FILTER_ZERO(p) * XN_NAME(xn_mve_values)(x, size);
            }
            int32_t c = XN_FIRST;
            for (; c + 4 <= XN_LAST(p); c += 4) {
                int32x4_t y = XN_NAME(xn_mve_four)(x, filter + (c - XN_FIRST) * size, size);
                y = XN_FILTER_ZERO(p) != 0 ? vaddq_n_s32(y, base) : y;
                y = XN_MVE_SCALE(y, xn_mve_load_scales(scales, c), &p->scaling);
                XN_NAME(xn_mve_store)(out + c, xn_mve_clamp(y, &p->scaling));
            }
            if (c < XN_LAST(p)) {
                mve_pred16_t lanes = vctp32q((uint32_t)(XN_LAST(p) - c));
                int32x4_t y = XN_NAME(xn_mve_four)(x, filter + (c - XN_FIRST) * size, size);
                y = XN_FILTER_ZERO(p) != 0 ? vaddq_n_s32(y, base) : y;
                y = XN_MVE_SCALE(y, xn_mve_load_some_scales(scales, c, lanes), &p->scaling);
                XN_NAME(xn_mve_store_some)(out + c, xn_mve_clamp(y, &p->scaling), lanes);
            }
        }
    }
}
