// What Arm's C language extensions name and GCC 12 lacks.
#ifndef XN_GCC_H
#define XN_GCC_H

#include <stdint.h>

static inline uint32_t __ror(uint32_t x, uint32_t n) {
    n &= 31;
    return n == 0 ? x : x >> n | x << (32 - n);
}

static inline int32_t __smulbb(int32_t a, int32_t b) {
    return (int16_t)a * (int16_t)b;
}

static inline int32_t __smulbt(int32_t a, int32_t b) {
    return (int16_t)a * (b >> 16);
}

// Zig's runtime library has no __clrsbsi2, which GCC calls if there is no instruction.
static inline int32_t xn_clrsb(int32_t x) {
    uint32_t magnitude = (uint32_t)(x ^ (x >> 31));
    return magnitude == 0 ? 31 : __builtin_clz(magnitude) - 1;
}

#define __builtin_clrsb(x) xn_clrsb(x)

#endif
