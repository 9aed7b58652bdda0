// The instructions that sum up the DSP extension's FULLY_CONNECTED.
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
// The same of 16-bit values, in 18.
#define FULLY_CONNECTED_DSP_TWO_16(W0, W1, S0, S1)                                                 \
    "sxtb16 r10, " W0 ", ror #8\n"                                                                 \
    "sxtb16 r11, " W1 ", ror #8\n"                                                                 \
    "sxtb16 " W0 ", " W0 "\n"                                                                      \
    "sxtb16 " W1 ", " W1 "\n"                                                                      \
    "smlad %[" S0 "], r9, r10, %[" S0 "]\n"                                                        \
    "smlad %[" S1 "], r9, r11, %[" S1 "]\n"                                                        \
    "smlad %[" S0 "], r8, " W0 ", %[" S0 "]\n"                                                     \
    "smlad %[" S1 "], r8, " W1 ", %[" S1 "]\n"
#define FULLY_CONNECTED_DSP_QUAD_16                                                                \
    "ldrd r8, r9, [%[values]], #8\n"                                                               \
    "ldm %[filter]!, {r2, r3, r4, r5}\n" FULLY_CONNECTED_DSP_TWO_16("r2", "r3", "s0", "s1")        \
        FULLY_CONNECTED_DSP_TWO_16("r4", "r5", "s2", "s3")
#define FULLY_CONNECTED_DSP_PACKED "sxtb16 r2, r2\nsxtb16 r3, r3\nsxtb16 r4, r4\nsxtb16 r5, r5\n"
#define FULLY_CONNECTED_DSP_WIDE "ldm %[filter]!, {r2, r3, r4, r5}\n"

#define FULLY_CONNECTED_DSP_RUN(CODE, ...)                                                         \
    __asm__(CODE                                                                                   \
            : [filter] "+r"(filter), [values] "+r"(values), [s0] "+r"(s0), [s1] "+r"(s1),          \
              [s2] "+r"(s2), [s3] "+r"(s3)                                                         \
            : __VA_ARGS__                                                                          \
            : "r2", "r3", "r4", "r5", "r8", "r9", "r10", "r11", "cc", "memory")
#define FULLY_CONNECTED_DSP_ALL(ONE, TWO)                                                          \
    do {                                                                                           \
        float end = xn_keep((uint32_t)(values + (quads & ~3) * 2));                                \
        if (quads >= 4) {                                                                          \
            FULLY_CONNECTED_DSP_RUN("1:\n" TWO TWO "vmov r2, %[end]\n"                             \
                                    "cmp %[values], r2\n"                                          \
                                    "bne 1b\n",                                                    \
                                    [end] "t"(end));                                               \
        }                                                                                          \
        if ((quads & 2) != 0) {                                                                    \
            FULLY_CONNECTED_DSP_RUN(TWO, );                                                        \
        }                                                                                          \
        if ((quads & 1) != 0) {                                                                    \
            FULLY_CONNECTED_DSP_RUN(ONE, );                                                        \
        }                                                                                          \
    } while (0)

#endif
