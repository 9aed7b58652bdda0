// Weights of single or half precision as floats.
#ifndef XN_WIDEN_H
#define XN_WIDEN_H

#include <stdint.h>

static inline float xn_widen_single(const float *w) {
    return *w;
}

// What is finite.
static inline float xn_widen_half(const __fp16 *w) {
#if defined(XN_LOADS_HALVES)
    // The compiler would take loads of half precision, which a board's scan does not know. The bits
    // moved to those of a float are the value over 2^112.
    int16_t half;
    __builtin_memcpy(&half, w, sizeof half);
    uint32_t bits = (uint32_t)half << 13 & 0x8FFFE000u;
    float moved;
    __builtin_memcpy(&moved, &bits, sizeof moved);
    return moved * 0x1p112f;
#else
    return *w;
#endif
}

#define XN_WIDEN(w) _Generic(w, const __fp16 *: xn_widen_half, default: xn_widen_single)(w)

#endif
