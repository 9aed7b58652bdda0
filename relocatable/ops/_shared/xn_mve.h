// What the Helium kernels share: four sums become four outputs of 8 or 16 bits; plain sums of
// products.
#ifndef XN_MVE_H
#define XN_MVE_H

#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"
#include <arm_mve.h>
#include <stdint.h>

// The intrinsic for a template's bytes: of vldrbq vldrbq_s8 or vldrbq_u8; and a vector of them.
#define XN_MVE(name) XN_JOIN_EXPANDED(name, XN_JOIN_EXPANDED(XN_MVE_BYTES, XN_IS_UNSIGNED))
#define XN_MVE_BYTES_0 s8
#define XN_MVE_BYTES_1 u8
#define XN_MVE_T __typeof__(_Generic((XN_T)0, uint8_t: (uint8x16_t){0}, default: (int8x16_t){0}))

// A sum of products in a template.
#define XN_MVE_SUM __typeof__(_Generic((XN_T)0, uint8_t: (uint32_t)0, default: (int32_t)0))

typedef struct xn_mve_scales {
    int32x4_t bias, multiplier, shift;
} xn_mve_scales;

// The tables' entries [i, i + 4).
static inline xn_mve_scales xn_mve_load_scales(const xn_scales *s, int32_t i) {
    xn_mve_scales four = {vldrwq_s32(s->bias + i), vldrwq_s32(s->multiplier + i),
                          vldrwq_s32(s->shift + i)};
    return four;
}

// Those entries that `lanes` names.
static inline xn_mve_scales xn_mve_load_some_scales(const xn_scales *s, int32_t i,
                                                    mve_pred16_t lanes) {
    xn_mve_scales some = {vldrwq_z_s32(s->bias + i, lanes), vldrwq_z_s32(s->multiplier + i, lanes),
                          vldrwq_z_s32(s->shift + i, lanes)};
    return some;
}

// Scales four sums as xn_multiply_by_quantized_multiplier does, and adds the zero point.
static inline int32x4_t xn_mve_scale(int32x4_t sums, xn_mve_scales s, const xn_scaling *p) {
    int32x4_t y = vaddq_s32(sums, s.bias);
    if (p->kind == XN_SCALE_DOUBLE_ROUNDING) { // otherwise there is no left shift
        int32x4_t none = vdupq_n_s32(0);
        y = vshlq_s32(y, vmaxq_s32(s.shift, none));
        s.shift = vminq_s32(s.shift, none);
    }
    y = vqrdmulhq_s32(y, s.multiplier);
    // Halves of negative values go down: one less, if a shift follows.
    y = vaddq_s32(y, vshrq_n_s32(vandq_s32(y, s.shift), 31));
    y = vrshlq_s32(y, s.shift);
    return vaddq_n_s32(y, p->zero);
}

// The same of 16 bits: as above, or AFFINE, round((sum + bias) * multiplier / 2^32 * 2^shift),
// halves upwards; shift < 0.
static inline int32x4_t xn_mve_scale_16(int32x4_t sums, xn_mve_scales s, const xn_scaling *p) {
    if (p->kind != XN_SCALE_AFFINE) {
        return xn_mve_scale(sums, s, p);
    }
    int32x4_t y = vmulhq_s32(vaddq_s32(sums, s.bias), s.multiplier);
    return vrshlq_s32(y, s.shift);
}

#define XN_MVE_SCALE(sums, ...)                                                                    \
    _Generic((XN_T)0, int16_t: xn_mve_scale_16, default: xn_mve_scale)(sums, __VA_ARGS__)

static inline int32x4_t xn_mve_clamp(int32x4_t y, const xn_scaling *p) {
    return vminq_s32(vmaxq_s32(y, vdupq_n_s32(p->low)), vdupq_n_s32(p->high));
}

// The sum of n products.
static inline int32_t xn_mve_dot(const int8_t *x, const int8_t *w, int32_t n) {
    int32_t sum = 0;
    for (int32_t i = n; i > 0; i -= 16, x += 16, w += 16) {
        mve_pred16_t lanes = vctp8q((uint32_t)i);
        sum = vmladavaq_p_s8(sum, vldrbq_z_s8(x, lanes), vldrbq_z_s8(w, lanes), lanes);
    }
    return sum;
}

#endif
