// What Arm's C language extensions name and GCC 12 lacks.
#ifndef XN_GCC_H
#define XN_GCC_H

#include <stdint.h>

static inline uint32_t __ror(uint32_t x, uint32_t n) {
    n &= 31;
    return n == 0 ? x : x >> n | x << (32 - n);
}

#define XN_GCC_SMUL(name, a, b)                                                                    \
    static inline int32_t name(int32_t x, int32_t y) {                                             \
        return (a) * (b);                                                                          \
    }
XN_GCC_SMUL(__smulbb, (int16_t)x, (int16_t)y)
XN_GCC_SMUL(__smulbt, (int16_t)x, y >> 16)
XN_GCC_SMUL(__smultb, x >> 16, (int16_t)y)
XN_GCC_SMUL(__smultt, x >> 16, y >> 16)

// Zig's runtime library has no __clrsbsi2, which GCC calls if there is no instruction.
static inline int32_t xn_clrsb(int32_t x) {
    uint32_t magnitude = (uint32_t)(x ^ (x >> 31));
    return magnitude == 0 ? 31 : __builtin_clz(magnitude) - 1;
}

#define __builtin_clrsb(x) xn_clrsb(x)

#endif
