// The sums of the DSP extension's CONV_2D.
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
#define CONV_2D_DSP_QUAD(SECOND_WEIGHTS)                                                           \
    "ldrd %[w0], %[w1], [%[filter]], #8\n" CONV_2D_DSP_PAIR(0, 1) CONV_2D_DSP_PAIR(2, 3)           \
        SECOND_WEIGHTS CONV_2D_DSP_PAIR(0, 1) CONV_2D_DSP_PAIR(2, 3)
#define CONV_2D_DSP_PACKED CONV_2D_DSP_QUAD("sxtb16 %[w0], %[w0]\nsxtb16 %[w1], %[w1]\n")
#define CONV_2D_DSP_WIDE CONV_2D_DSP_QUAD("ldrd %[w0], %[w1], [%[filter]], #8\n")

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

// sums[pixel][channel] of four pixels over some quads; sums[0] holds what they start from, besides
// the base of each pixel, if they have one. Returns what follows in the filter.
XN_INLINE const uint32_t *conv_2d_dsp_block(const uint32_t *columns, const uint32_t *filter,
                                            int32_t quads, int32_t is_wide, const int32_t base[4],
                                            int32_t sums[4][2]) {
    int32_t s0 = sums[0][0], s1 = sums[0][1];
    int32_t s00 = s0, s10 = s0, s20 = s0, s30 = s0;
    int32_t s01 = s1, s11 = s1, s21 = s1, s31 = s1;
    if (base) {
        s00 += base[0], s10 += base[1], s20 += base[2], s30 += base[3];
        s01 += base[0], s11 += base[1], s21 += base[2], s31 += base[3];
    }
    uint32_t w0, w1, xa, xb;
    if (is_wide) {
        CONV_2D_DSP_ALL(CONV_2D_DSP_WIDE);
    } else {
        CONV_2D_DSP_ALL(CONV_2D_DSP_PACKED);
    }
    sums[0][0] = s00;
    sums[0][1] = s01;
    sums[1][0] = s10;
    sums[1][1] = s11;
    sums[2][0] = s20;
    sums[2][1] = s21;
    sums[3][0] = s30;
    sums[3][1] = s31;
    return filter;
}

// The same for one pixel.
XN_INLINE const uint32_t *conv_2d_dsp_single(const uint32_t *columns, const uint32_t *filter,
                                             int32_t quads, int32_t is_wide, int32_t base,
                                             int32_t sums[1][2]) {
    int32_t s0 = sums[0][0] + base, s1 = sums[0][1] + base;
    for (int32_t i = 0; i < quads; i++) {
        uint32_t xa, xb, w0, w1;
        XN_NEXT_TWO(columns, xa, xb);
        XN_NEXT_TWO(filter, w0, w1);
        s0 = xn_add_products(xa, w0, s0);
        s1 = xn_add_products(xa, w1, s1);
        if (is_wide) {
            XN_NEXT_TWO(filter, w0, w1);
        } else {
            w0 = xn_even_bytes(w0);
            w1 = xn_even_bytes(w1);
        }
        s0 = xn_add_products(xb, w0, s0);
        s1 = xn_add_products(xb, w1, s1);
    }
    sums[0][0] = s0;
    sums[0][1] = s1;
    return filter;
}

XN_INLINE const uint32_t *conv_2d_dsp_sums(const uint32_t *columns, const uint32_t *filter,
                                           int32_t quads, int32_t is_wide, int32_t pixels,
                                           const int32_t base[4], int32_t sums[4][2]) {
    if (pixels == 4) {
        return conv_2d_dsp_block(columns, filter, quads, is_wide, base, sums);
    }
    return conv_2d_dsp_single(columns, filter, quads, is_wide, base ? base[0] : 0, sums);
}

#endif
