// FULLY_CONNECTED of integers for the DSP extension: four output channels at a time (see xn_dsp.h).
// Values and weights of uint8 are brought to int8, as in conv_2d_dsp.c.
#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/fully_connected/xn_fully_connected_dsp.h"

typedef struct {
    int32_t rows, in_c, out_c;
    int32_t quads; // ceil(in_c / 4)
    int32_t part;  // quads after which sums are saved, since they might overflow
    int32_t is_wide;
    XN_FILTER_ZERO_FIELD
    xn_dsp_scaling scaling;
} XN_NAME(xn_fully_connected_dsp_params);

static inline uint32_t *XN_NAME(fully_connected_dsp_put)(uint32_t word, uint32_t *to,
                                                         int32_t is_wide) {
    word ^= XN_FLIP;
    to[0] = xn_even_bytes(word);
    to[1] = is_wide ? xn_odd_bytes(word) : xn_mixed_bytes(word);
    return to + 2;
}

static inline void XN_NAME(fully_connected_dsp_expand)(const XN_T *x, int32_t count, uint32_t *to,
                                                       int32_t is_wide) {
    int32_t i = 0;
#if XN_IS_16_BITS
    for (; i + 2 <= count; i += 2) {
        *to++ = xn_load_bytes(x + i);
    }
    if (i < count) { // what is not written meets weights of 0
        *to = (uint16_t)x[i];
    }
#else
#pragma clang loop unroll_count(4)
    for (; i + 4 <= count; i += 4) {
        to = XN_NAME(fully_connected_dsp_put)(xn_load_bytes(x + i), to, is_wide);
    }
    if (i < count) { // what is not written meets weights of 0
        XN_NAME(fully_connected_dsp_put)(xn_load_some(x + i, count - i), to, is_wide);
    }
#endif
}

// Sum of a row's values of uint8, each less 128.
static inline int32_t XN_NAME(fully_connected_dsp_values)(const XN_T *x, int32_t count) {
    int32_t i = 0, sum = count * -128;
#pragma clang loop unroll_count(4)
    for (; i + 4 <= count; i += 4) {
        sum = xn_add_bytes(xn_load_bytes(x + i), sum);
    }
    return i < count ? xn_add_bytes(xn_load_some(x + i, count - i), sum) : sum;
}

// Adds some quads of four channels to their sums. Returns what follows in the filter.
XN_INLINE_IF_WHOLE const uint32_t *XN_NAME(fully_connected_dsp_add)(const uint32_t *values,
                                                                    const uint32_t *filter,
                                                                    int32_t quads, int32_t is_wide,
                                                                    XN_SUM sums[4]) {
    int32_t s0 = (int32_t)sums[0], s1 = (int32_t)sums[1];
    int32_t s2 = (int32_t)sums[2], s3 = (int32_t)sums[3];
    if (XN_IS_16_BITS) {
        FULLY_CONNECTED_DSP_ALL(FULLY_CONNECTED_DSP_QUAD_16,
                                FULLY_CONNECTED_DSP_QUAD_16 FULLY_CONNECTED_DSP_QUAD_16);
    } else if (is_wide) {
        FULLY_CONNECTED_DSP_ALL(FULLY_CONNECTED_DSP_ONE(FULLY_CONNECTED_DSP_WIDE),
                                FULLY_CONNECTED_DSP_TWO(FULLY_CONNECTED_DSP_WIDE));
    } else {
        FULLY_CONNECTED_DSP_ALL(FULLY_CONNECTED_DSP_ONE(FULLY_CONNECTED_DSP_PACKED),
                                FULLY_CONNECTED_DSP_TWO(FULLY_CONNECTED_DSP_PACKED));
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    return filter;
}

// Sums whose parts alone fit into 32 bits; those of 8-bit values at 2^-8.
XN_INLINE const uint32_t *
XN_NAME(fully_connected_dsp_add_parts)(const uint32_t *values, const uint32_t *filter,
                                       XN_SUM sums[4],
                                       const XN_NAME(xn_fully_connected_dsp_params) * p) {
    for (int32_t at = 0; at < p->quads; at += p->part) {
        XN_SUM more[4] = {0};
        filter = XN_NAME(fully_connected_dsp_add)(values + 2 * at, filter,
                                                  xn_min(p->part, p->quads - at), 0, more);
        for (int32_t k = 0; k < 4; k++) {
            sums[k] += XN_IS_16_BITS ? more[k] : more[k] >> (8 - p->scaling.unit);
        }
    }
    return filter;
}

// in: [rows, in_c]; filter: stream in blocks of four channels, [quads, 4] words of four
// weights each, 0 beyond the last; values: scratch of 8 * quads bytes; out: [rows, out_c].
XN_KERNEL void XN_NAME(xn_fully_connected_dsp)(const XN_T *in, const uint32_t *filter,
                                               uint32_t *values, XN_T *out XN_PART,
                                               const XN_NAME(xn_fully_connected_dsp_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        XN_NAME(fully_connected_dsp_expand)(in, p->in_c, values, p->is_wide);
        int32_t base = 0;
        if (XN_FILTER_ZERO(p) != 0) {
            int32_t sum = XN_NAME(fully_connected_dsp_values)(in, p->in_c);
            base = (int32_t)((uint32_t)(-XN_FILTER_ZERO(p) * sum) << p->scaling.unit);
        }
        const uint32_t *w = filter;
        out += XN_FIRST;
        for (int32_t c = XN_FIRST; c < XN_LAST(p); c += 4, w += 8 * p->scaling.step) {
            XN_SUM sums[4];
            int32_t count = xn_min(4, XN_LAST(p) - c);
            for (int32_t k = 0; k < 4; k++) {
                sums[k] = (int32_t)w[k] + base;
            }
            if (p->part >= p->quads) {
                w = XN_NAME(fully_connected_dsp_add)(values, w + 4, p->quads, p->is_wide, sums);
            } else {
                w = XN_NAME(fully_connected_dsp_add_parts)(values, w + 4, sums, p);
            }
            for (int32_t k = 0; k < 4; k++) {
                sums[k] =
                    XN_DSP_SCALE(sums[k], xn_dsp_factor_of(w, 4, k, &p->scaling), &p->scaling);
            }
            for (int32_t k = 0; k < count; k++) {
                *out++ = (XN_T)sums[k];
            }
        }
        out += p->out_c - XN_LAST(p);
    }
}
