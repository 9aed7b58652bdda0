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

// xn_multiply_by_quantized_multiplier of four numbers, before a shift to the right.
XN_INLINE int32x4_t xn_eight_multiply(int32x4_t x, int32_t multiplier, int32_t shift) {
    int32x4_t y = vqrdmulhq_n_s32(shift > 0 ? vshlq_r_s32(x, shift) : x, multiplier);
    // Halves of negative values go down: one less, if a shift follows.
    return shift < 0 ? vaddq_s32(y, vshrq_n_s32(y, 31)) : y;
}

// By an instruction that has the shift in itself; in assembly it would cost the loop its own.
#define XN_EIGHT_NARROW(y, even, odd, right)                                                       \
    case right:                                                                                    \
        return vqrshrntq_n_s32(vqrshrnbq_n_s32(y, even, right), odd, right)

// Even and odd lanes / 2^right, halves up, saturated to 16 bits.
XN_INLINE int16x8_t xn_eight_narrow(int32x4_t even, int32x4_t odd, int32_t right) {
    int16x8_t y = vuninitializedq_s16();
    switch (__builtin_constant_p(right) ? right : 0) {
        XN_EIGHT_NARROW(y, even, odd, 1);
        XN_EIGHT_NARROW(y, even, odd, 2);
        XN_EIGHT_NARROW(y, even, odd, 3);
        XN_EIGHT_NARROW(y, even, odd, 4);
        XN_EIGHT_NARROW(y, even, odd, 5);
        XN_EIGHT_NARROW(y, even, odd, 6);
        XN_EIGHT_NARROW(y, even, odd, 7);
        XN_EIGHT_NARROW(y, even, odd, 8);
        XN_EIGHT_NARROW(y, even, odd, 9);
        XN_EIGHT_NARROW(y, even, odd, 10);
        XN_EIGHT_NARROW(y, even, odd, 11);
        XN_EIGHT_NARROW(y, even, odd, 12);
        XN_EIGHT_NARROW(y, even, odd, 13);
        XN_EIGHT_NARROW(y, even, odd, 14);
        XN_EIGHT_NARROW(y, even, odd, 15);
        XN_EIGHT_NARROW(y, even, odd, 16);
    default:
        y = vqmovnbq_s32(y, vrshlq_n_s32(even, -right));
        return vqmovntq_s32(y, vrshlq_n_s32(odd, -right));
    }
}

// Both: eight numbers scaled.
XN_INLINE int16x8_t xn_eight_scale(int32x4_t even, int32x4_t odd, int32_t multiplier,
                                   int32_t shift) {
    even = xn_eight_multiply(even, multiplier, shift);
    odd = xn_eight_multiply(odd, multiplier, shift);
    return xn_eight_narrow(even, odd, shift < 0 ? -shift : 0);
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

XN_INLINE void xn_eight_store(void *to, int16x8_t values, int32_t count) {
    if (count == 8) {
        vstrbq_s16(to, values);
    } else {
        vstrbq_p_s16(to, values, vctp16q((uint32_t)count));
    }
}

#endif
