// What the DSP extension's kernels share. SMLAD multiplies two pairs of 16-bit values and adds
// both.
//
// SXTB16 makes a pair of every second byte of a word. Weights need only one such instruction
// instead of two: they are stored as 16-bit values 256 * w0 + w1, and
//     x0 * (256 * w0 + w1) + (256 * x1 + 127 - x0) * w1 = 256 * (x0 * w0 + x1 * w1) + 127 * w1.
// So each four inputs are laid out once as the pairs (x0, x2) and (256 * x1 + 127 - x0,
// 256 * x3 + 127 - x2), sums count in 1/256, and a sum starts at what the terms 127 * w1 lack.
//
// Inputs of 16 bits are pairs as they are. Weights stay bytes, (w0, w2, w1, w3) for each four
// inputs: their pairs are the even and the odd bytes. Sums count in 1.
#ifndef XN_DSP_H
#define XN_DSP_H

#include <arm_acle.h>
#include <stdint.h>

#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

// The next two words, in one instruction; the address is a multiple of 4.
#define XN_NEXT_TWO(from, a, b)                                                                    \
    __asm__("ldrd %0, %1, [%2], #8" : "=r"(a), "=r"(b), "+r"(from) : : "memory")

// One word, at any address; and back.
#define XN_NEXT_ONE(from, a) __asm__("ldr %0, [%1], #4" : "=r"(a), "+r"(from) : : "memory")
#define XN_PUT_ONE(to, a) __asm__ volatile("str %1, [%0], #4" : "+r"(to) : "r"(a) : "memory")

// Two words back, in one instruction; the address is a multiple of 4.
#define XN_PUT_TWO(to, a, b)                                                                       \
    __asm__ volatile("strd %1, %2, [%0], #8" : "+r"(to) : "r"(a), "r"(b) : "memory")

// What makes int8 of a template's four bytes: the values of uint8 count less 128.
#define XN_FLIP (XN_IS_UNSIGNED * 0x80808080u)

// A weight less its zero point, of a template whose values are not.
#define XN_WEIGHT __typeof__(_Generic((XN_T)0, uint8_t: (int16_t)0, default: (int8_t)0))

// Four bytes at any address.
static inline uint32_t xn_load_bytes(const void *from) {
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

// The first `count` of them, the others 0.
XN_INLINE uint32_t xn_load_some(const void *from, int32_t count) {
    if (count == 4) {
        return xn_load_bytes(from);
    }
    uint32_t word = 0;
    for (int32_t k = 0; k < count; k++) {
        word |= (uint32_t)((const uint8_t *)from)[k] << (8 * k);
    }
    return word;
}

// The first `count` of them or, if there are fewer than four, then others of value `byte`.
XN_INLINE uint32_t xn_load_filled(const void *from, int32_t count, int32_t byte) {
    if (count >= 4) {
        return xn_load_bytes(from);
    }
    return xn_load_some(from, count) | ((uint32_t)byte & 0xFFu) * 0x01010101u << (8 * count);
}

// Stores the first `count`.
XN_INLINE void xn_store_some(int8_t *to, uint32_t word, int32_t count) {
    if (count == 4) {
        __builtin_memcpy(to, &word, sizeof word);
        return;
    }
    for (int32_t k = 0; k < count; k++) {
        to[k] = (int8_t)(word >> (8 * k));
    }
}

// Bytes 0 and 2 of a word as a pair, and bytes 1 and 3.
static inline uint32_t xn_even_bytes(uint32_t word) {
    return (uint32_t)__sxtb16((int32_t)word);
}

static inline uint32_t xn_odd_bytes(uint32_t word) {
    return (uint32_t)__sxtb16((int32_t)__ror(word, 8));
}

// Bytes x as the pair 256 * x1 + 127 - x0, 256 * x3 + 127 - x2.
static inline uint32_t xn_mixed_bytes(uint32_t word) {
    return word ^ 0x007F007Fu;
}

static inline int32_t xn_add_products(uint32_t a, uint32_t b, int32_t sum) {
    return __smlad((int32_t)a, (int32_t)b, sum);
}

// A word kept in a register of the FPU, since the core has none left.
static inline float xn_keep(uint32_t word) {
    float kept;
    __builtin_memcpy(&kept, &word, sizeof kept);
    return kept;
}

static inline int32_t xn_kept(float kept) {
    int32_t word;
    __asm__ volatile("vmov %0, %1" : "=r"(word) : "t"(kept));
    return word;
}

// How the sums of a layer become outputs, as constants of the step; the kinds of xn_scale.h, each
// with sums that hold bias and zero point. The filters are a stream in the order of use: for each
// block of channels the starts of the sums, the weights and, if the channels differ (step 1), their
// multipliers and last numbers.
typedef struct xn_dsp_scaling {
    int32_t kind;
    int32_t step;
    int32_t unit;  // sums count in 2^-unit
    int32_t shift; // of LINE and SINGLE_ROUNDING_31, for all channels
    int32_t zero;  // part of `last` in LINE
    int32_t low, high;
    int32_t multiplier, last; // of all channels, if step is 0
} xn_dsp_scaling;

// A channel's numbers; for LINE, `last` is added to the product's upper word; else it is the shift,
// as in xn_scales.
typedef struct xn_dsp_factor {
    int32_t multiplier, last;
} xn_dsp_factor;

// Those of channel i of a block; they follow one another from `at` on, multipliers first.
XN_INLINE xn_dsp_factor xn_dsp_factor_of(const uint32_t *at, int32_t block, int32_t i,
                                         const xn_dsp_scaling *p) {
    xn_dsp_factor same = {p->multiplier, p->last};
    if (p->step == 0) {
        return same;
    }
    xn_dsp_factor own = {(int32_t)at[i], (int32_t)at[block + i]};
    return own;
}

// HIGH, as xn_scale_double_rounding_30: half and zero point are added before the shift instead of
// after it.
XN_INLINE int32_t xn_dsp_scale_high(int32_t sum, xn_dsp_factor f, const xn_dsp_scaling *p) {
    int32_t doubled = p->unit > 0 ? sum >> (p->unit - 1) : sum * 2;
    int32_t zero = (int32_t)((uint32_t)(1 + 2 * p->zero) << f.last);
    int32_t y = (int32_t)(((int64_t)doubled * f.multiplier + ((int64_t)1 << 31)) >> 32) + zero;
    return (y + (sum >> 31)) >> (f.last + 1);
}

XN_INLINE int32_t xn_dsp_scale_whole(int32_t sum, xn_dsp_factor f, const xn_dsp_scaling *p) {
    int32_t y;
    if (p->kind == XN_SCALE_AFFINE) {
        y = ((int32_t)(((int64_t)sum * f.multiplier) >> 32) + f.last) >> p->shift;
    } else if (p->kind == XN_SCALE_DOUBLE_ROUNDING_30) {
        y = xn_dsp_scale_high(sum, f, p);
    } else {
        y = xn_multiply_by_quantized_multiplier(sum >> p->unit, f.multiplier, f.last) + p->zero;
    }
    return y;
}

// A sum to an output of int8; then to one of uint8.
XN_INLINE int32_t xn_dsp_scale(int32_t sum, xn_dsp_factor f, const xn_dsp_scaling *p) {
    int32_t y = xn_dsp_scale_whole(sum, f, p);
    int32_t is_whole = p->low == -128 && p->high == 127;
    return is_whole ? __ssat(y, 8) : xn_clamp(y, p->low, p->high);
}

XN_INLINE int32_t xn_dsp_scale_unsigned(int32_t sum, xn_dsp_factor f, const xn_dsp_scaling *p) {
    int32_t y = xn_dsp_scale_whole(sum, f, p);
    int32_t is_whole = p->low == 0 && p->high == UINT8_MAX;
    return is_whole ? (int32_t)__usat(y, 8) : xn_clamp(y, p->low, p->high);
}

// Adds the four bytes of a word to a sum of uint8.
static inline int32_t xn_add_bytes(uint32_t word, int32_t sum) {
    return (int32_t)__usada8(word, 0, (uint32_t)sum);
}

// The same for 16 bits: kinds AFFINE, SINGLE_ROUNDING and SINGLE_ROUNDING_31, whose double and
// numerator are the factor's two words, and DOUBLE_ROUNDING of sums that fit 32 bits. There is no
// zero point.
XN_INLINE int32_t xn_dsp_scale_wide(int64_t sum, xn_dsp_factor f, const xn_dsp_scaling *p) {
    int32_t y;
    if (p->kind == XN_SCALE_AFFINE) {
        y = ((int32_t)((sum * f.multiplier) >> 32) + f.last) >> p->shift;
    } else if (p->kind == XN_SCALE_SINGLE_ROUNDING) {
        double real;
        __builtin_memcpy(&real, &f, sizeof real);
        y = xn_round_double((double)sum * real);
    } else if (p->kind == XN_SCALE_SINGLE_ROUNDING_31) {
        uint64_t numerator = (uint64_t)(uint32_t)f.last << 32 | (uint32_t)f.multiplier;
        y = xn_multiply_by_fraction((int32_t)sum, numerator, p->shift);
    } else {
        y = xn_multiply_by_quantized_multiplier((int32_t)sum, f.multiplier, f.last);
    }
    int32_t is_whole = p->low == INT16_MIN && p->high == INT16_MAX;
    return is_whole ? __ssat(y, 16) : xn_clamp(y, p->low, p->high);
}

// The scaling in a template by the inputs' type.
#define XN_DSP_SCALE(sum, ...)                                                                     \
    _Generic((XN_T)0,                                                                              \
        int16_t: xn_dsp_scale_wide,                                                                \
        uint8_t: xn_dsp_scale_unsigned,                                                            \
        default: xn_dsp_scale)(sum, __VA_ARGS__)

// Sum of the products of int8 in the order of memory, without a layout of their own.
static inline int32_t xn_dsp_dot(const int8_t *x, const int8_t *w, int32_t n) {
    int32_t sum = 0, i = 0;
    for (; i + 4 <= n; i += 4) {
        uint32_t a = xn_load_bytes(x + i), b = xn_load_bytes(w + i);
        sum = xn_add_products(xn_even_bytes(a), xn_even_bytes(b), sum);
        sum = xn_add_products(xn_odd_bytes(a), xn_odd_bytes(b), sum);
    }
    for (; i < n; i++) {
        sum += (int32_t)x[i] * w[i];
    }
    return sum;
}

// The same of int16 by int8.
static inline int64_t xn_dsp_dot_16(const int16_t *x, const int8_t *w, int32_t n) {
    int64_t sum = 0;
    int32_t i = 0;
#pragma clang loop unroll_count(2)
    for (; i + 4 <= n; i += 4) {
        uint32_t a = xn_load_bytes(x + i), b = xn_load_bytes(x + i + 2);
        uint32_t weights = xn_load_bytes(w + i);
        uint32_t even = (a & 0xFFFFu) | b << 16, odd = a >> 16 | (b & 0xFFFF0000u);
        sum = __smlald((int32_t)even, (int32_t)xn_even_bytes(weights), sum);
        sum = __smlald((int32_t)odd, (int32_t)xn_odd_bytes(weights), sum);
    }
    for (; i < n; i++) {
        sum += (int32_t)x[i] * w[i];
    }
    return sum;
}

#endif
