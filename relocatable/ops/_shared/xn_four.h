// The DSP extension: functions of two operands of bytes, four at a time, with broadcast.
#ifndef XN_FOUR_H
#define XN_FOUR_H

#include <arm_acle.h>
#include <stdint.h>

#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_kernel.h"

// Four bytes from `from` on, those after the first `count` are 0; or the first one four times.
XN_INLINE uint32_t xn_four_load(const void *from, int32_t step, int32_t count) {
    return step == 0 ? *(const uint8_t *)from * 0x01010101u : xn_load_some(from, count);
}

// Whether the compiler sees that a number is 0, which then takes no register.
#define XN_FOUR_IS_ZERO(x) (__builtin_constant_p(x) && (x) == 0)

// A pair of negative zero points, and the sum of it and bytes 0 and 2.
#define XN_FOUR_LESS(zero) (((uint32_t)-(zero) & 0xFFFFu) * 0x00010001u)
#define XN_FOUR_ADD_PAIR(pair, word)                                                               \
    (XN_IS_UNSIGNED ? __uxtab16(pair, word) : (uint32_t)__sxtab16((int32_t)(pair), (int32_t)(word)))

// Bytes 0 and 2 as a pair of 16-bit values, each less a zero point.
XN_INLINE uint32_t xn_four_pair_i8(uint32_t word, int32_t zero) {
    uint32_t less = ((uint32_t)-zero & 0xFFFFu) * 0x00010001u;
    return XN_FOUR_IS_ZERO(zero) ? xn_even_bytes(word)
                                 : (uint32_t)__sxtab16((int32_t)less, (int32_t)word);
}

XN_INLINE uint32_t xn_four_pair_u8(uint32_t word, int32_t zero) {
    uint32_t less = ((uint32_t)-zero & 0xFFFFu) * 0x00010001u;
    return XN_FOUR_IS_ZERO(zero) ? __uxtb16(word) : __uxtab16(less, word);
}

#define XN_FOUR_PAIR(word, zero)                                                                   \
    _Generic((XN_T)0, int8_t: xn_four_pair_i8, uint8_t: xn_four_pair_u8)(word, zero)

// Bytes 1 and 3 as a pair of 16-bit values, each less a zero point and times 128.
XN_INLINE uint32_t xn_four_lifted_i8(uint32_t word, int32_t zero) {
    uint32_t less = ((uint32_t)zero & 0xFFu) * 0x01000100u;
    return (uint32_t)__shsub16((int32_t)(word & 0xFF00FF00u), (int32_t)less);
}

XN_INLINE uint32_t xn_four_lifted_u8(uint32_t word, int32_t zero) {
    return __uhsub16(word & 0xFF00FF00u, (uint32_t)zero * 0x01000100u);
}

#define XN_FOUR_LIFTED(word, zero)                                                                 \
    _Generic((XN_T)0, int8_t: xn_four_lifted_i8, uint8_t: xn_four_lifted_u8)(word, zero)

// Byte k of a word as an index.
XN_INLINE uint32_t xn_four_index(uint32_t word, int32_t k) {
    return word >> (8 * k) & 0xFFu;
}

// y / 2^right, rounded down, of [low, high].
XN_INLINE uint32_t xn_four_clamp_i8(int32_t y, int32_t right, int32_t low, int32_t high) {
    return (uint32_t)(low == INT8_MIN && high == INT8_MAX ? __ssat(y >> right, 8)
                                                          : xn_clamp(y >> right, low, high));
}

XN_INLINE uint32_t xn_four_clamp_u8(int32_t y, int32_t right, int32_t low, int32_t high) {
    return low == 0 && high == UINT8_MAX ? __usat(y >> right, 8)
                                         : (uint32_t)xn_clamp(y >> right, low, high);
}

#define XN_FOUR_CLAMP(y, right, low, high)                                                         \
    _Generic((XN_T)0, int8_t: xn_four_clamp_i8, uint8_t: xn_four_clamp_u8)(y, right, low, high)

// Puts a byte into a word whose byte k it is to be.
#define XN_FOUR_PUT(word, k, byte)                                                                 \
    __asm__("bfi %0, %1, %2, #8" : "+r"(word) : "r"(byte), "i"(8 * (k)))

// Runs `four` for each four results in order, the last ones may be fewer: it makes a word of them
// from the words of both operands. Operands step by 1 or 0 along the innermost dimension.
#define XN_FOUR_EACH(s, in_a, in_b, out, four, ...)                                                \
    XN_FOUR_EACH_BY(XN_FOUR_LONG_RUN, s, in_a, in_b, out, four, __VA_ARGS__)

// Whether the compiler sees that a row is long enough to pay for more code, and of whole words.
#define XN_FOUR_IS_LONG(size) (__builtin_constant_p(size) && (size) >= 512 && (size) % 4 == 0)

// The same, which moves two words of long rows by one instruction. That takes one register more.
#define XN_FOUR_EACH_PAIR(s, in_a, in_b, out, four, ...)                                           \
    if (XN_FOUR_IS_LONG((s)->size[3])) {                                                           \
        XN_FOUR_EACH_BY(XN_FOUR_PAIR_RUN, s, in_a, in_b, out, four, __VA_ARGS__)                   \
    } else {                                                                                       \
        XN_FOUR_EACH(s, in_a, in_b, out, four, __VA_ARGS__)                                        \
    }

#define XN_FOUR_EACH_BY(long_run, s, in_a, in_b, out, four, ...)                                   \
    const int32_t each = (s)->a_stride[3] == 1 && (s)->b_stride[3] == 1;                           \
    XN_BROADCAST_BLOCKS(s, each ? (s)->size[3] : 4, {                                              \
        const void *from_a = in_a + a;                                                             \
        const void *from_b = in_b + b;                                                             \
        int32_t rest = count;                                                                      \
        if (each) {                                                                                \
            long_run(from_a, from_b, out, rest, four, __VA_ARGS__)                                 \
                XN_FOUR_RUN(from_a, from_b, out, rest, 1, four, __VA_ARGS__)                       \
        }                                                                                          \
        if (rest > 0) {                                                                            \
            uint32_t x = xn_four_load(from_a, (s)->a_stride[3], rest);                             \
            uint32_t y = xn_four_load(from_b, (s)->b_stride[3], rest);                             \
            xn_store_some((int8_t *)out, four(x, y, __VA_ARGS__), rest);                           \
            out += rest;                                                                           \
        }                                                                                          \
    })

#ifdef XN_OPTIMIZE_SIZE
#define XN_FOUR_LONG_RUN(from_a, from_b, out, rest, four, ...)
#define XN_FOUR_PAIR_RUN(from_a, from_b, out, rest, four, ...)
#else
#define XN_FOUR_LONG_RUN(from_a, from_b, out, rest, four, ...)                                     \
    XN_FOUR_RUN(from_a, from_b, out, rest, 4, four, __VA_ARGS__)

// In this order, which needs the fewest registers.
#define XN_FOUR_PAIR_RUN(from_a, from_b, out, rest, four, ...)                                     \
    if ((((uintptr_t)from_b | (uintptr_t)out) & 3) == 0) {                                         \
        for (rest -= 16; rest >= 0; rest -= 16) {                                                  \
            _Pragma("clang loop unroll(full)") for (int32_t k = 0; k < 2; k++) {                   \
                uint32_t x, y, next;                                                               \
                XN_NEXT_TWO(from_b, y, next);                                                      \
                XN_NEXT_ONE(from_a, x);                                                            \
                y = four(x, y, __VA_ARGS__);                                                       \
                XN_NEXT_ONE(from_a, x);                                                            \
                x = four(x, next, __VA_ARGS__);                                                    \
                XN_PUT_TWO(out, y, x);                                                             \
            }                                                                                      \
        }                                                                                          \
        rest += 16;                                                                                \
    }
#endif

#define XN_FOUR_RUN(from_a, from_b, out, rest, words, four, ...)                                   \
    for (rest -= 4 * (words); rest >= 0; rest -= 4 * (words)) {                                    \
        _Pragma("clang loop unroll(full)") for (int32_t k = 0; k < (words); k++) {                 \
            uint32_t x, y;                                                                         \
            XN_NEXT_ONE(from_a, x);                                                                \
            XN_NEXT_ONE(from_b, y);                                                                \
            x = four(x, y, __VA_ARGS__);                                                           \
            XN_PUT_ONE(out, x);                                                                    \
        }                                                                                          \
    }                                                                                              \
    rest += 4 * (words);

#endif
