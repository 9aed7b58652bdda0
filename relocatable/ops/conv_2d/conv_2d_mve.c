// CONV_2D of integers for Helium: one pixel by four output channels at a time, 16 or 8 products in
// an instruction.
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_mve.h"

typedef struct {
    xn_window window;
    int32_t in_c, out_c;
    int32_t in_zero;
    XN_FILTER_ZERO_FIELD
    xn_scaling scaling; // HIGH or TWICE, with shifts as LiteRT's; of int16 xn_mve_scale_16's
} XN_NAME(xn_conv_2d_mve_params);

static inline XN_T *XN_NAME(conv_2d_mve_copy)(XN_T *to, const XN_T *from, int32_t count) {
#if XN_IS_16_BITS
    for (int32_t i = count; i > 0; i -= 8, to += 8, from += 8) {
        mve_pred16_t lanes = vctp16q((uint32_t)i);
        vstrhq_p_s16(to, vldrhq_z_s16(from, lanes), lanes);
    }
#else
    for (int32_t i = count; i > 0; i -= 16, to += 16, from += 16) {
        mve_pred16_t lanes = vctp8q((uint32_t)i);
        XN_MVE(vstrbq_p)(to, XN_MVE(vldrbq_z)(from, lanes), lanes);
    }
#endif
    return to;
}

static inline void XN_NAME(conv_2d_mve_fill)(XN_T *to, int32_t value, int32_t count) {
#if XN_IS_16_BITS
    int16x8_t values = vdupq_n_s16((int16_t)value);
    for (int32_t i = count; i > 0; i -= 8, to += 8) {
        vstrhq_p_s16(to, values, vctp16q((uint32_t)i));
    }
#else
    XN_MVE_T values = XN_MVE(vdupq_n)((XN_T)value);
    for (int32_t i = count; i > 0; i -= 16, to += 16) {
        XN_MVE(vstrbq_p)(to, values, vctp8q((uint32_t)i));
    }
#endif
}

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
            XN_NAME(conv_2d_mve_fill)(column, p->in_zero, line);
            continue;
        }
        if (whole) {
            XN_NAME(conv_2d_mve_copy)(column, row, line);
            continue;
        }
        for (int32_t kx = 0; kx < win->k_w; kx++) {
            XN_T *to = column + kx * p->in_c;
            if (kx < columns.first || kx >= columns.last) {
                XN_NAME(conv_2d_mve_fill)(to, p->in_zero, p->in_c);
            } else {
                XN_NAME(conv_2d_mve_copy)(to, row + kx * win->dilation_w * p->in_c, p->in_c);
            }
        }
    }
}

// 16 values of a window with 16 of four filters.
#define CONV_2D_MVE_FOUR                                                                           \
    XN_MVE_T values = XN_MVE(vldrbq)(x);                                                           \
    s0 = XN_MVE(vmladavaq)(s0, values, XN_MVE(vldrbq)(w));                                         \
    s1 = XN_MVE(vmladavaq)(s1, values, XN_MVE(vldrbq)(w + 16));                                    \
    s2 = XN_MVE(vmladavaq)(s2, values, XN_MVE(vldrbq)(w + 32));                                    \
    s3 = XN_MVE(vmladavaq)(s3, values, XN_MVE(vldrbq)(w + 48))

// Sums of one window with four filters: 16 (8) values of each in turn, then the rest of each.
static inline int32x4_t XN_NAME(conv_2d_mve_four)(const XN_T *x, const XN_FILTER_T *w,
                                                  int32_t size) {
    XN_MVE_SUM s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#if XN_IS_16_BITS
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < size / 8; i++, x += 8, w += 32) {
        int16x8_t values = vldrhq_s16(x);
        s0 = vmladavaq_s16(s0, values, vldrbq_s16(w));
        s1 = vmladavaq_s16(s1, values, vldrbq_s16(w + 8));
        s2 = vmladavaq_s16(s2, values, vldrbq_s16(w + 16));
        s3 = vmladavaq_s16(s3, values, vldrbq_s16(w + 24));
    }
    int32_t rest = size % 8;
    if (rest > 0) {
        mve_pred16_t lanes = vctp16q((uint32_t)rest);
        int16x8_t values = vldrhq_z_s16(x, lanes);
        s0 = vmladavaq_p_s16(s0, values, vldrbq_z_s16(w, lanes), lanes);
        s1 = vmladavaq_p_s16(s1, values, vldrbq_z_s16(w + rest, lanes), lanes);
        s2 = vmladavaq_p_s16(s2, values, vldrbq_z_s16(w + 2 * rest, lanes), lanes);
        s3 = vmladavaq_p_s16(s3, values, vldrbq_z_s16(w + 3 * rest, lanes), lanes);
    }
#else
    if (size <= 64) {
        for (int32_t i = 0; i < size / 16; i++, x += 16, w += 64) {
            CONV_2D_MVE_FOUR;
        }
    } else {
        // Unrolled, the window would be kept in more registers than there are.
#pragma clang loop unroll(disable)
        for (int32_t i = 0; i < size / 16; i++, x += 16, w += 64) {
            CONV_2D_MVE_FOUR;
        }
    }
    int32_t rest = size % 16;
    if (rest > 0) {
        mve_pred16_t lanes = vctp8q((uint32_t)rest);
        XN_MVE_T values = XN_MVE(vldrbq_z)(x, lanes);
        s0 = XN_MVE(vmladavaq_p)(s0, values, XN_MVE(vldrbq_z)(w, lanes), lanes);
        s1 = XN_MVE(vmladavaq_p)(s1, values, XN_MVE(vldrbq_z)(w + rest, lanes), lanes);
        s2 = XN_MVE(vmladavaq_p)(s2, values, XN_MVE(vldrbq_z)(w + 2 * rest, lanes), lanes);
        s3 = XN_MVE(vmladavaq_p)(s3, values, XN_MVE(vldrbq_z)(w + 3 * rest, lanes), lanes);
    }
#endif
    int32x4_t sums = vdupq_n_s32((int32_t)s0);
    sums = vsetq_lane_s32((int32_t)s1, sums, 1);
    sums = vsetq_lane_s32((int32_t)s2, sums, 2);
    return vsetq_lane_s32((int32_t)s3, sums, 3);
}

// Sum of a window's values of uint8.
static inline int32_t XN_NAME(conv_2d_mve_values)(const XN_T *x, int32_t size) {
    uint32_t sum = 0;
#pragma clang loop unroll_count(4)
    for (int32_t i = size; i > 0; i -= 16, x += 16) {
        sum = vaddvaq_u8(sum, vldrbq_z_u8((const uint8_t *)x, vctp8q((uint32_t)i)));
    }
    return (int32_t)sum;
}

static inline void XN_NAME(conv_2d_mve_store)(XN_T *to, int32x4_t y) {
#if XN_IS_16_BITS
    vstrhq_s32(to, y);
#else
    vstrbq_s32((int8_t *)to, y);
#endif
}

// Those that `lanes` names.
static inline void XN_NAME(conv_2d_mve_store_some)(XN_T *to, int32x4_t y, mve_pred16_t lanes) {
#if XN_IS_16_BITS
    vstrhq_p_s32(to, y, lanes);
#else
    vstrbq_p_s32((int8_t *)to, y, lanes);
#endif
}

// in: [in_h, in_w, in_c]; filter: [out_c, k_h, k_w, in_c]; column: scratch of k_h * k_w *
// in_c values; out: [out_h, out_w, out_c].
XN_KERNEL void XN_NAME(xn_conv_2d_mve)(const XN_T *in, const XN_FILTER_T *filter,
                                       const xn_scales *scales, XN_T *column, XN_T *out,
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
                base = -XN_FILTER_ZERO(p) * XN_NAME(conv_2d_mve_values)(x, size);
            }
            int32_t c = 0;
            for (; c + 4 <= p->out_c; c += 4) {
                int32x4_t y = XN_NAME(conv_2d_mve_four)(x, filter + c * size, size);
                y = XN_FILTER_ZERO(p) != 0 ? vaddq_n_s32(y, base) : y;
                y = XN_MVE_SCALE(y, xn_mve_load_scales(scales, c), &p->scaling);
                XN_NAME(conv_2d_mve_store)(out + c, xn_mve_clamp(y, &p->scaling));
            }
            if (c < p->out_c) {
                mve_pred16_t lanes = vctp32q((uint32_t)(p->out_c - c));
                int32x4_t y = XN_NAME(conv_2d_mve_four)(x, filter + c * size, size);
                y = XN_FILTER_ZERO(p) != 0 ? vaddq_n_s32(y, base) : y;
                y = XN_MVE_SCALE(y, xn_mve_load_some_scales(scales, c, lanes), &p->scaling);
                XN_NAME(conv_2d_mve_store_some)(out + c, xn_mve_clamp(y, &p->scaling), lanes);
            }
        }
    }
}
