// Helium: eight bytes as 16-bit lanes, and what scaling they have in common.
#ifndef XN_EIGHT_H
#define XN_EIGHT_H

#include <arm_mve.h>
#include <stdint.h>

#include "ops/_shared/xn_kernel.h"

// The `count` values from `from` on, or the first one in all lanes if `step` is 0.
XN_INLINE int16x8_t xn_eight_of_i8(const int8_t *from, int32_t step, int32_t count) {
    if (step == 0) {
        return vdupq_n_s16(*from);
    }
    return count == 8 ? vldrbq_s16(from) : vldrbq_z_s16(from, vctp16q((uint32_t)count));
}

XN_INLINE int16x8_t xn_eight_of_u8(const uint8_t *from, int32_t step, int32_t count) {
    if (step == 0) {
        return vdupq_n_s16(*from);
    }
    return (int16x8_t)(count == 8 ? vldrbq_u16(from)
                                  : vldrbq_z_u16(from, vctp16q((uint32_t)count)));
}

#define XN_EIGHT(from, step, count)                                                                \
    _Generic((XN_T)0, int8_t: xn_eight_of_i8, uint8_t: xn_eight_of_u8)(from, step, count)

// xn_multiply_by_quantized_multiplier of four numbers.
XN_INLINE int32x4_t xn_eight_scale(int32x4_t x, int32_t multiplier, int32_t shift) {
    if (shift > 0) {
        return vqrdmulhq_n_s32(vshlq_r_s32(x, shift), multiplier);
    }
    int32x4_t y = vqrdmulhq_n_s32(x, multiplier);
    // Halves of negative values go down: one less, if a shift follows.
    return shift == 0 ? y : vrshlq_n_s32(vaddq_s32(y, vshrq_n_s32(y, 31)), shift);
}

// Eight results, the zero point added, of [low, high]: the lower bytes.
XN_INLINE int16x8_t xn_eight_clamp(int16x8_t y, int32_t zero, int32_t low, int32_t high) {
    y = vqaddq_n_s16(y, (int16_t)zero);
    if (low == INT8_MIN && high == INT8_MAX) {
        return (int16x8_t)vqmovnbq_s16(vuninitializedq_s8(), y);
    }
    if (low == 0 && high == UINT8_MAX) {
        return (int16x8_t)vqmovunbq_s16(vuninitializedq_u8(), y);
    }
    return vminq_s16(vmaxq_s16(y, vdupq_n_s16((int16_t)low)), vdupq_n_s16((int16_t)high));
}

// The same of even and odd lanes.
XN_INLINE int16x8_t xn_eight_join(int32x4_t even, int32x4_t odd, int32_t zero, int32_t low,
                                  int32_t high) {
    int16x8_t y = vqmovntq_s32(vqmovnbq_s32(vuninitializedq_s16(), even), odd);
    return xn_eight_clamp(y, zero, low, high);
}

XN_INLINE void xn_eight_store(void *to, int16x8_t values, int32_t count) {
    if (count == 8) {
        vstrbq_s16(to, values);
    } else {
        vstrbq_p_s16(to, values, vctp16q((uint32_t)count));
    }
}

#endif
