// DEPTHWISE_CONV_2D for Helium, one output channel for each input channel: 16 channels at a time.
//
// Products are 16 bits wide; those of two taps are added as such, then widened. Widening takes even
// and odd lanes apart, twice: the four sums of a block are those of channels 0, 4, 8, 12, then 2,
// 6, .., then 1, 5, .., then 3, 7, .., and so are the tables.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_mve.h"

typedef struct {
    xn_window window;
    int32_t channels;
    int32_t in_zero;    // of int8
    xn_scaling scaling; // HIGH or TWICE, with shifts as LiteRT's
} XN_NAME(xn_depthwise_mve_params);

// An output pixel's window, and the 16 channels that are done.
typedef struct {
    const XN_T *first;    // value of the first tap's first channel
    const int8_t *filter; // of these channels, 16 for each tap
    xn_taps rows, columns;
    mve_pred16_t lanes; // that exist
    int32_t is_whole;   // all taps inside the image
    int32_t is_full;    // all 16 channels exist
} XN_NAME(depthwise_mve_site);

// The values of a tap; outside the image the zero point.
XN_INLINE int8x16_t XN_NAME(depthwise_mve_load)(const XN_NAME(depthwise_mve_site) * at, int32_t ky,
                                                int32_t kx,
                                                const XN_NAME(xn_depthwise_mve_params) * p) {
    const xn_window *win = &p->window;
    if (!at->is_whole && (ky < at->rows.first || ky >= at->rows.last || kx < at->columns.first ||
                          kx >= at->columns.last)) {
        return vdupq_n_s8((int8_t)p->in_zero);
    }
    int32_t pixel = ky * win->dilation_h * win->in_w + kx * win->dilation_w;
    const int8_t *from = (const int8_t *)at->first + pixel * p->channels;
    int8x16_t x = at->is_full ? vldrbq_s8(from) : vldrbq_z_s8(from, at->lanes);
    return XN_IS_UNSIGNED ? veorq_s8(x, vdupq_n_s8(-128)) : x;
}

static inline void XN_NAME(depthwise_mve_widen)(int32x4_t sums[4], int16x8_t even, int16x8_t odd) {
    sums[0] = vaddq_s32(sums[0], vmovlbq_s16(even));
    sums[1] = vaddq_s32(sums[1], vmovltq_s16(even));
    sums[2] = vaddq_s32(sums[2], vmovlbq_s16(odd));
    sums[3] = vaddq_s32(sums[3], vmovltq_s16(odd));
}

XN_INLINE void XN_NAME(depthwise_mve_sum)(const XN_NAME(depthwise_mve_site) * at,
                                          const int8_t *filter, int32x4_t sums[4],
                                          const XN_NAME(xn_depthwise_mve_params) * p) {
    for (int32_t ky = 0; ky < p->window.k_h; ky++) {
        int32_t kx = 0;
        for (; kx + 1 < p->window.k_w; kx += 2, filter += 32) {
            int8x16_t x = XN_NAME(depthwise_mve_load)(at, ky, kx, p), w = vldrbq_s8(filter);
            int16x8_t even = vmullbq_int_s8(x, w), odd = vmulltq_int_s8(x, w);
            x = XN_NAME(depthwise_mve_load)(at, ky, kx + 1, p);
            w = vldrbq_s8(filter + 16);
            even = vaddq_s16(even, vmullbq_int_s8(x, w));
            odd = vaddq_s16(odd, vmulltq_int_s8(x, w));
            XN_NAME(depthwise_mve_widen)(sums, even, odd);
        }
        if (kx < p->window.k_w) {
            int8x16_t x = XN_NAME(depthwise_mve_load)(at, ky, kx, p), w = vldrbq_s8(filter);
            XN_NAME(depthwise_mve_widen)(sums, vmullbq_int_s8(x, w), vmulltq_int_s8(x, w));
            filter += 16;
        }
    }
}

// Adds the products of taps with what their weights lack: records of a tap's place and 16 weights.
XN_INLINE void XN_NAME(depthwise_mve_more)(const XN_NAME(depthwise_mve_site) * at,
                                           const int8_t *record, int32_t count, int32x4_t sums[4],
                                           const XN_NAME(xn_depthwise_mve_params) * p) {
    for (; count > 0; count--, record += 32) {
        const int32_t *place = (const int32_t *)record;
        int8x16_t x = XN_NAME(depthwise_mve_load)(at, place[0], place[1], p);
        int8x16_t w = vldrbq_s8(record + 16);
        XN_NAME(depthwise_mve_widen)(sums, vmullbq_int_s8(x, w), vmulltq_int_s8(x, w));
    }
}

// Four times four scaled sums, each back in its channel's lane.
static inline int8x16_t XN_NAME(depthwise_mve_narrow)(int32x4_t y[4], const xn_scaling *p) {
    if (p->low == XN_T_MIN && p->high == XN_T_MAX) { // saturation is the clamp
        int16x8_t even = vqmovnbq_s32(vdupq_n_s16(0), y[0]);
        int16x8_t odd = vqmovnbq_s32(vdupq_n_s16(0), y[2]);
        even = vqmovntq_s32(even, y[1]);
        odd = vqmovntq_s32(odd, y[3]);
        if (XN_IS_UNSIGNED) {
            uint8x16_t bytes = vqmovunbq_s16(vdupq_n_u8(0), even);
            return vreinterpretq_s8_u8(vqmovuntq_s16(bytes, odd));
        }
        return vqmovntq_s16(vqmovnbq_s16(vdupq_n_s8(0), even), odd);
    }
    for (int32_t i = 0; i < 4; i++) {
        y[i] = xn_mve_clamp(y[i], p);
    }
    int16x8_t even = vmovntq_s32(vreinterpretq_s16_s32(y[0]), y[1]);
    int16x8_t odd = vmovntq_s32(vreinterpretq_s16_s32(y[2]), y[3]);
    return vmovntq_s16(vreinterpretq_s8_s16(even), odd);
}

XN_INLINE int8x16_t XN_NAME(depthwise_mve_block)(const XN_NAME(depthwise_mve_site) * at,
                                                 const xn_scales *scales, int32_t c,
                                                 const XN_NAME(xn_depthwise_mve_params) * p) {
    int32x4_t none = vdupq_n_s32(0);
    int32x4_t sums[4] = {none, none, none, none};
    int32_t taps = p->window.k_h * p->window.k_w;
    const int8_t *filter = at->filter + (XN_IS_UNSIGNED ? 16 : 0);
    XN_NAME(depthwise_mve_sum)(at, filter, sums, p);
    if (XN_IS_UNSIGNED) {
        int32_t more = *(const int32_t *)at->filter;
        XN_NAME(depthwise_mve_more)(at, filter + 16 * taps, more, sums, p);
    }
    for (int32_t i = 0; i < 4; i++) {
        sums[i] = xn_mve_scale(sums[i], xn_mve_load_scales(scales, c + 4 * i), &p->scaling);
    }
    return XN_NAME(depthwise_mve_narrow)(sums, &p->scaling);
}

// All channels of one output pixel.
XN_INLINE void XN_NAME(depthwise_mve_pixel)(XN_NAME(depthwise_mve_site) at, const int8_t *filter,
                                            const xn_scales *scales, XN_T *out,
                                            const XN_NAME(xn_depthwise_mve_params) * p) {
    int32_t taps = p->window.k_h * p->window.k_w;
    int32_t c = 0;
    at.filter = filter;
    at.is_full = 1;
    for (; c + 16 <= p->channels;
         c += 16, at.first += 16,
         at.filter +=
         XN_IS_UNSIGNED ? 16 + 16 * taps + 32 * *(const int32_t *)at.filter : 16 * taps) {
        vstrbq_s8((int8_t *)out + c, XN_NAME(depthwise_mve_block)(&at, scales, c, p));
    }
    if (c < p->channels) {
        at.is_full = 0;
        at.lanes = vctp8q((uint32_t)(p->channels - c));
        vstrbq_p_s8((int8_t *)out + c, XN_NAME(depthwise_mve_block)(&at, scales, c, p), at.lanes);
    }
}

// in: [in_h, in_w, channels]; filter: int8 [ceil(channels / 16), k_h, k_w, 16],
// of uint8 before each block a vector that begins with the number, int32, of records behind it: a
// vector that begins with a tap's row and column, int32, and what 16 weights are beyond 8 bits;
// out: [out_h, out_w, channels]; tables: an entry for each channel, rounded up to 16, in the
// order above.
XN_KERNEL void XN_NAME(xn_depthwise_mve)(const XN_T *in, const int8_t *filter,
                                         const xn_scales *scales, XN_T *out,
                                         const XN_NAME(xn_depthwise_mve_params) * p) {
    const xn_window *win = &p->window;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++, out += p->channels) {
            xn_taps columns = xn_columns(win, out_x);
            XN_NAME(depthwise_mve_site) at = {0};
            at.first = in + (rows.origin * win->in_w + columns.origin) * p->channels;
            at.rows = rows;
            at.columns = columns;
            if (rows.first == 0 && rows.last == win->k_h && columns.first == 0 &&
                columns.last == win->k_w) {
                at.is_whole = 1; // as a constant: the code is made for it
                XN_NAME(depthwise_mve_pixel)(at, filter, scales, out, p);
            } else {
                at.is_whole = 0;
                XN_NAME(depthwise_mve_pixel)(at, filter, scales, out, p);
            }
        }
    }
}
