// Four neighbours to one value, in integers and in single precision, as LiteRT's reference does it.
#ifndef XN_BLEND_H
#define XN_BLEND_H

#include <stdint.h>

// Shares in 1/1024: down of the lower two pixels, right of the right ones. Halves away from zero.
static inline int32_t xn_blend_integers(int32_t a, int32_t b, int32_t c, int32_t d, int32_t down,
                                        int32_t right) {
    int32_t up = 1024 - down, left = 1024 - right;
    // The products of shares are those of a whole pixel: they leave the loop over channels.
    int32_t sum = a * (up * left) + b * (up * right) + c * (down * left) + d * (down * right);
    return (sum + (1 << 19) + (sum >> 31)) >> 20;
}

// The order of the operations decides the last bit.
static inline float xn_blend_floats(float a, float b, float c, float d, float down, float right) {
    float up = 1.0f - down;
    float left = 1.0f - right;
    return a * up * left + c * down * left + b * up * right + d * down * right;
}

// The same of 16-bit values, whose sums have 36 bits.
static inline int32_t xn_blend_wide(int32_t a, int32_t b, int32_t c, int32_t d, int32_t down,
                                    int32_t right) {
    int32_t up = 1024 - down, left = 1024 - right;
    int64_t sum = (int64_t)a * (up * left) + (int64_t)b * (up * right) +
                  (int64_t)c * (down * left) + (int64_t)d * (down * right);
    return (int32_t)((sum + (1 << 19) + (sum >> 63)) >> 20);
}

// By the type of the values.
#define XN_BLEND(x)                                                                                \
    _Generic(x, int8_t: xn_blend_integers, int16_t: xn_blend_wide, default: xn_blend_floats)

// What makes the conversion to the type of `x` round: integers are rounded already.
#define XN_BLEND_HALF(x) _Generic(x, uint8_t: 0.5f, float: 0.0f, default: 0)

#endif
