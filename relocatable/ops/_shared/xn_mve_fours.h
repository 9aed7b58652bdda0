// Windows by four filters for Helium. A template: of each element type its kernels have it once.
#include "ops/_shared/xn_filter.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_mve.h"

#if XN_IS_16_BITS
#ifndef XN_MVE_FOURS_I16
#define XN_MVE_FOURS_I16
#define XN_MVE_FOURS
#endif
#elif XN_IS_UNSIGNED
#ifndef XN_MVE_FOURS_U8
#define XN_MVE_FOURS_U8
#define XN_MVE_FOURS
#endif
#elif !defined(XN_MVE_FOURS_I8)
#define XN_MVE_FOURS_I8
#define XN_MVE_FOURS
#endif

#ifdef XN_MVE_FOURS
#undef XN_MVE_FOURS

static inline XN_T *XN_NAME(xn_mve_copy)(XN_T *to, const XN_T *from, int32_t count) {
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

static inline void XN_NAME(xn_mve_fill)(XN_T *to, int32_t value, int32_t count) {
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

// 16 values of a window with 16 of four filters.
#define XN_MVE_FOUR                                                                                \
    XN_MVE_T values = XN_MVE(vldrbq)(x);                                                           \
    s0 = XN_MVE(vmladavaq)(s0, values, XN_MVE(vldrbq)(w));                                         \
    s1 = XN_MVE(vmladavaq)(s1, values, XN_MVE(vldrbq)(w + 16));                                    \
    s2 = XN_MVE(vmladavaq)(s2, values, XN_MVE(vldrbq)(w + 32));                                    \
    s3 = XN_MVE(vmladavaq)(s3, values, XN_MVE(vldrbq)(w + 48))

// Sums of one window with four filters: 16 (8) values of each in turn, then the rest of each.
static inline int32x4_t XN_NAME(xn_mve_four)(const XN_T *x, const XN_FILTER_T *w, int32_t size) {
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
            XN_MVE_FOUR;
        }
    } else {
        // Unrolled, the window would be kept in more registers than there are.
#pragma clang loop unroll(disable)
        for (int32_t i = 0; i < size / 16; i++, x += 16, w += 64) {
            XN_MVE_FOUR;
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
static inline int32_t XN_NAME(xn_mve_values)(const XN_T *x, int32_t size) {
    uint32_t sum = 0;
#pragma clang loop unroll_count(4)
    for (int32_t i = size; i > 0; i -= 16, x += 16) {
        sum = vaddvaq_u8(sum, vldrbq_z_u8((const uint8_t *)x, vctp8q((uint32_t)i)));
    }
    return (int32_t)sum;
}

static inline void XN_NAME(xn_mve_store)(XN_T *to, int32x4_t y) {
#if XN_IS_16_BITS
    vstrhq_s32(to, y);
#else
    vstrbq_s32((int8_t *)to, y);
#endif
}

// Those that `lanes` names.
static inline void XN_NAME(xn_mve_store_some)(XN_T *to, int32x4_t y, mve_pred16_t lanes) {
#if XN_IS_16_BITS
    vstrhq_p_s32(to, y, lanes);
#else
    vstrbq_p_s32((int8_t *)to, y, lanes);
#endif
}

#endif
