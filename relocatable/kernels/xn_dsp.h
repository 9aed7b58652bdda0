// What the DSP extension's kernels share: SMLAD multiplies two pairs of 16-bit values and adds
// both.
#ifndef XN_DSP_H
#define XN_DSP_H

#include <arm_acle.h>
#include <stdint.h>

// The next two words, in one instruction; the address is a multiple of 4.
#define XN_NEXT_TWO(from, a, b)                                                                    \
    __asm__("ldrd %0, %1, [%2], #8" : "=r"(a), "=r"(b), "+r"(from) : : "memory")

// Four int8 at any address.
static inline uint32_t xn_load_bytes(const int8_t *from) {
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

// Bytes 0 and 2 of a word as a pair, and bytes 1 and 3.
static inline uint32_t xn_even_bytes(uint32_t word) {
    return (uint32_t)__sxtb16((int32_t)word);
}

static inline uint32_t xn_odd_bytes(uint32_t word) {
    return (uint32_t)__sxtb16((int32_t)__ror(word, 8));
}

static inline int32_t xn_add_products(uint32_t a, uint32_t b, int32_t sum) {
    return __smlad((int32_t)a, (int32_t)b, sum);
}

#endif
