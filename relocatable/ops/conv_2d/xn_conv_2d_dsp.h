// The instructions that sum up the DSP extension's CONV_2D.
#ifndef XN_CONV_2D_DSP_H
#define XN_CONV_2D_DSP_H

#include "ops/_shared/xn_dsp.h"

// One quad of four pixels by two channels: 32 multiplications in 23 instructions. In assembly, as
// the registers just suffice: even the loop's end waits in a register of the FPU.
#define CONV_2D_DSP_PAIR(A, B)                                                                     \
    "ldrd %[xa], %[xb], [%[columns]], #8\n"                                                        \
    "smlad %[s" #A "0], %[xa], %[w0], %[s" #A "0]\n"                                               \
    "smlad %[s" #A "1], %[xa], %[w1], %[s" #A "1]\n"                                               \
    "smlad %[s" #B "0], %[xb], %[w0], %[s" #B "0]\n"                                               \
    "smlad %[s" #B "1], %[xb], %[w1], %[s" #B "1]\n"
#define CONV_2D_DSP_QUAD(FIRST_WEIGHTS, SECOND_WEIGHTS)                                            \
    FIRST_WEIGHTS CONV_2D_DSP_PAIR(0, 1) CONV_2D_DSP_PAIR(2, 3)                                    \
        SECOND_WEIGHTS CONV_2D_DSP_PAIR(0, 1) CONV_2D_DSP_PAIR(2, 3)
#define CONV_2D_DSP_NEXT "ldrd %[w0], %[w1], [%[filter]], #8\n"
#define CONV_2D_DSP_EVEN "sxtb16 %[w0], %[w0]\nsxtb16 %[w1], %[w1]\n"
#define CONV_2D_DSP_ODD "sxtb16 %[w0], %[w0], ror #8\nsxtb16 %[w1], %[w1], ror #8\n"
#define CONV_2D_DSP_PACKED CONV_2D_DSP_QUAD(CONV_2D_DSP_NEXT, CONV_2D_DSP_EVEN)
#define CONV_2D_DSP_WIDE CONV_2D_DSP_QUAD(CONV_2D_DSP_NEXT, CONV_2D_DSP_NEXT)
// Of 16-bit values, in 26: there is no register for a second pair of weights.
#define CONV_2D_DSP_16                                                                             \
    CONV_2D_DSP_QUAD("ldrd %[w0], %[w1], [%[filter]]\n" CONV_2D_DSP_EVEN,                          \
                     CONV_2D_DSP_NEXT CONV_2D_DSP_ODD)

#define CONV_2D_DSP_RUN(CODE, ...)                                                                 \
    __asm__(CODE                                                                                   \
            : [filter] "+r"(filter), [columns] "+r"(columns), [s00] "+r"(s00), [s01] "+r"(s01),    \
              [s10] "+r"(s10), [s11] "+r"(s11), [s20] "+r"(s20), [s21] "+r"(s21), [s30] "+r"(s30), \
              [s31] "+r"(s31), [w0] "=&r"(w0), [w1] "=&r"(w1), [xa] "=&r"(xa), [xb] "=&r"(xb)      \
            : __VA_ARGS__                                                                          \
            : "cc", "memory")
#define CONV_2D_DSP_LOOP(QUAD)                                                                     \
    CONV_2D_DSP_RUN("1:\n" QUAD QUAD QUAD QUAD "vmov %[xa], %[end]\n"                              \
                    "cmp %[columns], %[xa]\n"                                                      \
                    "bne 1b\n",                                                                    \
                    [end] "t"(end))
#define CONV_2D_DSP_ALL(QUAD)                                                                      \
    do {                                                                                           \
        float end = xn_keep((uint32_t)(columns + (quads & ~3) * 8));                               \
        if (quads >= 4) {                                                                          \
            CONV_2D_DSP_LOOP(QUAD);                                                                \
        }                                                                                          \
        if ((quads & 2) != 0) {                                                                    \
            CONV_2D_DSP_RUN(QUAD QUAD, );                                                          \
        }                                                                                          \
        if ((quads & 1) != 0) {                                                                    \
            CONV_2D_DSP_RUN(QUAD, );                                                               \
        }                                                                                          \
    } while (0)
// Puts what it summed up into an array of pixels by channels.
#define CONV_2D_DSP_PUT(sums)                                                                      \
    do {                                                                                           \
        (sums)[0][0] = s00, (sums)[0][1] = s01;                                                    \
        (sums)[1][0] = s10, (sums)[1][1] = s11;                                                    \
        (sums)[2][0] = s20, (sums)[2][1] = s21;                                                    \
        (sums)[3][0] = s30, (sums)[3][1] = s31;                                                    \
    } while (0)

#endif
