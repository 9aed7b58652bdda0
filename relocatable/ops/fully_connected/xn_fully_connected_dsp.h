// The sums of the DSP extension's FULLY_CONNECTED.
#ifndef XN_FULLY_CONNECTED_DSP_H
#define XN_FULLY_CONNECTED_DSP_H

#include "ops/_shared/xn_dsp.h"

// One quad by four channels: 16 multiplications in 13 instructions, and the values' load. The
// registers are named, since LDM wants them in order.
#define FULLY_CONNECTED_DSP_FOUR(X, W0, W1, W2, W3)                                                \
    "smlad %[s0], " X ", " W0 ", %[s0]\n"                                                          \
    "smlad %[s1], " X ", " W1 ", %[s1]\n"                                                          \
    "smlad %[s2], " X ", " W2 ", %[s2]\n"                                                          \
    "smlad %[s3], " X ", " W3 ", %[s3]\n"
#define FULLY_CONNECTED_DSP_QUAD(X, Y, SECOND_WEIGHTS)                                             \
    "ldm %[filter]!, {r2, r3, r4, r5}\n" FULLY_CONNECTED_DSP_FOUR(X, "r2", "r3", "r4", "r5")       \
        SECOND_WEIGHTS                                                                             \
        FULLY_CONNECTED_DSP_FOUR(Y, "r2", "r3", "r4", "r5")
#define FULLY_CONNECTED_DSP_ONE(SECOND_WEIGHTS)                                                    \
    "ldrd r8, r9, [%[values]], #8\n" FULLY_CONNECTED_DSP_QUAD("r8", "r9", SECOND_WEIGHTS)
#define FULLY_CONNECTED_DSP_TWO(SECOND_WEIGHTS)                                                    \
    "ldm %[values]!, {r8, r9, r10, r11}\n" FULLY_CONNECTED_DSP_QUAD("r8", "r9", SECOND_WEIGHTS)    \
        FULLY_CONNECTED_DSP_QUAD("r10", "r11", SECOND_WEIGHTS)
#define FULLY_CONNECTED_DSP_PACKED "sxtb16 r2, r2\nsxtb16 r3, r3\nsxtb16 r4, r4\nsxtb16 r5, r5\n"
#define FULLY_CONNECTED_DSP_WIDE "ldm %[filter]!, {r2, r3, r4, r5}\n"

#define FULLY_CONNECTED_DSP_RUN(CODE, ...)                                                         \
    __asm__(CODE                                                                                   \
            : [filter] "+r"(filter), [values] "+r"(values), [s0] "+r"(s0), [s1] "+r"(s1),          \
              [s2] "+r"(s2), [s3] "+r"(s3)                                                         \
            : __VA_ARGS__                                                                          \
            : "r2", "r3", "r4", "r5", "r8", "r9", "r10", "r11", "cc", "memory")
#define FULLY_CONNECTED_DSP_ALL(SECOND_WEIGHTS)                                                    \
    do {                                                                                           \
        float end = xn_keep((uint32_t)(values + (quads & ~3) * 2));                                \
        if (quads >= 4) {                                                                          \
            FULLY_CONNECTED_DSP_RUN(                                                               \
                "1:\n" FULLY_CONNECTED_DSP_TWO(SECOND_WEIGHTS)                                     \
                    FULLY_CONNECTED_DSP_TWO(SECOND_WEIGHTS) "vmov r2, %[end]\n"                    \
                                                            "cmp %[values], r2\n"                  \
                                                            "bne 1b\n",                            \
                [end] "t"(end));                                                                   \
        }                                                                                          \
        if ((quads & 2) != 0) {                                                                    \
            FULLY_CONNECTED_DSP_RUN(FULLY_CONNECTED_DSP_TWO(SECOND_WEIGHTS), );                    \
        }                                                                                          \
        if ((quads & 1) != 0) {                                                                    \
            FULLY_CONNECTED_DSP_RUN(FULLY_CONNECTED_DSP_ONE(SECOND_WEIGHTS), );                    \
        }                                                                                          \
    } while (0)

// Adds some quads of four channels to their sums. Returns what follows in the filter.
XN_INLINE const uint32_t *fully_connected_dsp_add(const uint32_t *values, const uint32_t *filter,
                                                  int32_t quads, int32_t is_wide, int32_t sums[4]) {
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    if (is_wide) {
        FULLY_CONNECTED_DSP_ALL(FULLY_CONNECTED_DSP_WIDE);
    } else {
        FULLY_CONNECTED_DSP_ALL(FULLY_CONNECTED_DSP_PACKED);
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    return filter;
}

#endif
