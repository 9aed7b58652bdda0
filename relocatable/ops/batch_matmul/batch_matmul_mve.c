// BATCH_MATMUL of integers for Helium: a row by four columns, of 16 bits by two, at a time; 16 or 8
// products in an instruction.
//
// What has its depth not side by side in memory is brought so in scratch: the columns once for all
// rows, a row for each of them. The zero points take what depends on a row or on a column alone.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_mve.h"

typedef struct {
    int32_t rows, columns, depth;
    // Elements that a step along each dimension moves; one of each is 1.
    struct {
        int32_t line, depth;
    } a, b;
    int32_t a_zero, b_zero; // 0 of int16
    int32_t multiplier, shift;
    xn_scaling scaling; // of int8
} XN_NAME(xn_batch_matmul_mve_params);

#define BATCH_MATMUL_MVE_COLUMNS (XN_IS_16_BITS ? 2 : 4)

// n values, `step` apart, side by side.
static inline void XN_NAME(batch_matmul_mve_gather)(const XN_T *from, int32_t step, int32_t n,
                                                    XN_T *to) {
    uint16x8_t offsets = vmulq_n_u16(vidupq_n_u16(0, 1), (uint16_t)step);
#pragma clang loop unroll(disable)
    for (; n > 0; n -= 8, from += 8 * step, to += 8) {
        mve_pred16_t lanes = vctp16q((uint32_t)n);
#if XN_IS_16_BITS
        vstrhq_p_s16(to, vldrhq_gather_shifted_offset_z_s16(from, offsets, lanes), lanes);
#else
        vstrbq_p_s16(to, vldrbq_gather_offset_z_s16(from, offsets, lanes), lanes);
#endif
    }
}

#if XN_IS_16_BITS

// The outputs of a row by two columns, or by one.
static inline void XN_NAME(batch_matmul_mve_row)(const XN_T *x, const XN_T *const w[4],
                                                 int32_t count, XN_T *out,
                                                 const XN_NAME(xn_batch_matmul_mve_params) * p) {
    const XN_T *w0 = w[0], *w1 = w[1];
    int64_t s0 = 0, s1 = 0;
    int32_t i = p->depth;
#pragma clang loop unroll(disable)
    for (; i >= 8; i -= 8, x += 8, w0 += 8, w1 += 8) {
        int16x8_t values = vldrhq_s16(x);
        s0 = vmlaldavaq_s16(s0, values, vldrhq_s16(w0));
        s1 = vmlaldavaq_s16(s1, values, vldrhq_s16(w1));
    }
    if (i > 0) {
        mve_pred16_t lanes = vctp16q((uint32_t)i);
        int16x8_t values = vldrhq_z_s16(x, lanes);
        s0 = vmlaldavaq_p_s16(s0, values, vldrhq_z_s16(w0, lanes), lanes);
        s1 = vmlaldavaq_p_s16(s1, values, vldrhq_z_s16(w1, lanes), lanes);
    }
    s0 = xn_multiply_by_reduced_multiplier(s0, p->multiplier, p->shift);
    s1 = xn_multiply_by_reduced_multiplier(s1, p->multiplier, p->shift);
    out[0] = (XN_T)xn_clamp((int32_t)s0, XN_T_MIN, XN_T_MAX);
    if (count > 1) {
        out[1] = (XN_T)xn_clamp((int32_t)s1, XN_T_MIN, XN_T_MAX);
    }
}

#else

// What a column's zero point and sum add to its sums.
static inline int32_t
XN_NAME(batch_matmul_mve_base)(const XN_T *w, const XN_NAME(xn_batch_matmul_mve_params) * p) {
    int32_t sum = -p->depth * p->b_zero;
#pragma clang loop unroll(disable)
    for (int32_t i = p->depth; i > 0; i -= 16, w += 16) {
        mve_pred16_t lanes = vctp8q((uint32_t)i);
        sum = vaddvaq_p_s8(sum, vldrbq_z_s8(w, lanes), lanes);
    }
    return -p->a_zero * sum;
}

// The outputs of a row by four columns, of which `count` are stored.
static inline void XN_NAME(batch_matmul_mve_row)(const XN_T *x, const XN_T *const w[4],
                                                 int32_t count, xn_mve_scales scales, XN_T *out,
                                                 const XN_NAME(xn_batch_matmul_mve_params) * p) {
    const XN_T *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0, sum = 0;
    int32_t i = p->depth;
#pragma clang loop unroll(disable)
    for (; i >= 16; i -= 16, x += 16, w0 += 16, w1 += 16, w2 += 16, w3 += 16) {
        int8x16_t values = vldrbq_s8(x);
        s0 = vmladavaq_s8(s0, values, vldrbq_s8(w0));
        s1 = vmladavaq_s8(s1, values, vldrbq_s8(w1));
        s2 = vmladavaq_s8(s2, values, vldrbq_s8(w2));
        s3 = vmladavaq_s8(s3, values, vldrbq_s8(w3));
        sum = p->b_zero == 0 ? 0 : vaddvaq_s8(sum, values);
    }
    if (i > 0) {
        mve_pred16_t lanes = vctp8q((uint32_t)i);
        int8x16_t values = vldrbq_z_s8(x, lanes);
        s0 = vmladavaq_p_s8(s0, values, vldrbq_z_s8(w0, lanes), lanes);
        s1 = vmladavaq_p_s8(s1, values, vldrbq_z_s8(w1, lanes), lanes);
        s2 = vmladavaq_p_s8(s2, values, vldrbq_z_s8(w2, lanes), lanes);
        s3 = vmladavaq_p_s8(s3, values, vldrbq_z_s8(w3, lanes), lanes);
        sum = p->b_zero == 0 ? 0 : vaddvaq_p_s8(sum, values, lanes);
    }
    int32x4_t y = vdupq_n_s32(s0);
    y = vsetq_lane_s32(s1, y, 1);
    y = vsetq_lane_s32(s2, y, 2);
    y = vsetq_lane_s32(s3, y, 3);
    y = vsubq_n_s32(y, p->b_zero * sum);
    y = xn_mve_clamp(xn_mve_scale(y, scales, &p->scaling), &p->scaling);
    vstrbq_p_s32(out, y, vctp32q((uint32_t)count));
}

#endif

// a, b, out: as in batch_matmul_dsp.c; scratch: the columns, if they are no rows of memory, and a
// row, if it is none.
XN_KERNEL void XN_NAME(xn_batch_matmul_mve)(const XN_T *a, const XN_T *b, XN_T *out, XN_T *scratch,
                                            const XN_NAME(xn_batch_matmul_mve_params) * p) {
    XN_T *spare = scratch + (p->b.depth == 1 ? 0 : BATCH_MATMUL_MVE_COLUMNS * p->depth);
#pragma clang loop unroll(disable)
    for (int32_t c = 0; c < p->columns; c += BATCH_MATMUL_MVE_COLUMNS) {
        int32_t count = xn_min(BATCH_MATMUL_MVE_COLUMNS, p->columns - c);
        const XN_T *w[4];
        for (int32_t k = 0; k < BATCH_MATMUL_MVE_COLUMNS; k++) {
            w[k] = b + (c + xn_min(k, count - 1)) * p->b.line;
            if (p->b.depth != 1) {
                XN_T *to = scratch + k * p->depth;
                XN_NAME(batch_matmul_mve_gather)(w[k], p->b.depth, p->depth, to);
                w[k] = to;
            }
        }
#if !XN_IS_16_BITS
        xn_mve_scales scales = {vdupq_n_s32(0), vdupq_n_s32(p->multiplier), vdupq_n_s32(p->shift)};
        if (p->a_zero != 0) {
            int32_t base[4];
            for (int32_t k = 0; k < 4; k++) {
                base[k] = XN_NAME(batch_matmul_mve_base)(w[k], p);
            }
            scales.bias = vldrwq_s32(base);
        }
#endif
        const XN_T *x = a;
        XN_T *to = out + c;
#pragma clang loop unroll(disable)
        for (int32_t row = 0; row < p->rows; row++, x += p->a.line, to += p->columns) {
            const XN_T *values = x;
            if (p->a.depth != 1) {
                XN_NAME(batch_matmul_mve_gather)(x, p->a.depth, p->depth, spare);
                values = spare;
            }
#if XN_IS_16_BITS
            XN_NAME(batch_matmul_mve_row)(values, w, count, to, p);
#else
            XN_NAME(batch_matmul_mve_row)(values, w, count, scales, to, p);
#endif
        }
    }
}
