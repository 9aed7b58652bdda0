// The sums of the DSP extension's windows of 3x3.
#ifndef XN_DEPTHWISE_3X3_DSP_H
#define XN_DEPTHWISE_3X3_DSP_H

#include "ops/_shared/xn_dsp.h"

// Words of a channel's weights.
#define DEPTHWISE_3X3_WORDS (XN_IS_UNSIGNED ? 6 : 3)

// A column's part of the sums of one output or of two below each other. Its weights are the pairs
// (upper, middle) and (middle, lower).
#define DEPTHWISE_3X3_ONE(FROM, UPPER, LOWER, A, B)                                                \
    "ldrd %[x0], %[x1], " FROM "\n"                                                                \
    "smlad %[s0], %[" UPPER "], %[" A "], %[s0]\n"                                                 \
    "smlabt %[s0], %[" LOWER "], %[" B "], %[s0]\n"
#define DEPTHWISE_3X3_TWO(FROM, UPPER, LOWER, A, B)                                                \
    DEPTHWISE_3X3_ONE(FROM, UPPER, LOWER, A, B)                                                    \
    "smlatb %[s1], %[" UPPER "], %[" A "], %[s1]\n"                                                \
    "smlad %[s1], %[" LOWER "], %[" B "], %[s1]\n"
#define DEPTHWISE_3X3_RUN(COLUMN, UPPER, LOWER)                                                    \
    __asm__ volatile(                                                                              \
        "vmov %[s0], %[start]\n"                                                                   \
        "mov %[s1], %[s0]\n" COLUMN("[%[from]], #32", UPPER, LOWER, "a0", "b0")                    \
            COLUMN("[%[from]]", UPPER, LOWER, "a1", "b1")                                          \
                COLUMN("[%[from], #32]", UPPER, LOWER, "a2", "b2")                                 \
        : [from] "+r"(from), [s0] "=&r"(s0), [s1] "=&r"(s1), [x0] "=&r"(x0), [x1] "=&r"(x1)        \
        : [start] "t"(start), [a0] "r"(a[0]), [a1] "r"(a[1]), [a2] "r"(a[2]), [b0] "r"(b[0]),      \
          [b1] "r"(b[1]), [b2] "r"(b[2])                                                           \
        : "memory")

#endif
