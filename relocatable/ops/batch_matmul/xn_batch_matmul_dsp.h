// The instructions that sum up the DSP extension's BATCH_MATMUL. As in xn_conv_2d_dsp.h, registers
// just suffice.
#ifndef XN_BATCH_MATMUL_DSP_H
#define XN_BATCH_MATMUL_DSP_H

#include "ops/conv_2d/xn_conv_2d_dsp.h"

// Four values of four rows by as many of two columns: a word holds two values of each column, in
// the even and in the odd bytes. 32 multiplications in 26 instructions.
#define BATCH_MATMUL_DSP_NEXT                                                                      \
    "ldr %[w1], [%[filter]], #4\n"                                                                 \
    "sxtb16 %[w0], %[w1]\n"                                                                        \
    "sxtb16 %[w1], %[w1], ror #8\n"
#define BATCH_MATMUL_DSP_QUAD CONV_2D_DSP_QUAD(BATCH_MATMUL_DSP_NEXT, BATCH_MATMUL_DSP_NEXT)

// Two values of 16 bits of two rows by as many of two columns, with sums of 64 bits: 8
// multiplications in 6 instructions.
#define BATCH_MATMUL_DSP_PAIR                                                                      \
    "ldrd %[xa], %[xb], [%[rows]], #8\n"                                                           \
    "ldrd %[w0], %[w1], [%[columns]], #8\n"                                                        \
    "smlald %[l00], %[h00], %[xa], %[w0]\n"                                                        \
    "smlald %[l01], %[h01], %[xa], %[w1]\n"                                                        \
    "smlald %[l10], %[h10], %[xb], %[w0]\n"                                                        \
    "smlald %[l11], %[h11], %[xb], %[w1]\n"
#define BATCH_MATMUL_DSP_RUN(CODE, ...)                                                            \
    __asm__(CODE                                                                                   \
            : [rows] "+r"(rows), [columns] "+r"(columns), [l00] "+r"(l00), [h00] "+r"(h00),        \
              [l01] "+r"(l01), [h01] "+r"(h01), [l10] "+r"(l10), [h10] "+r"(h10), [l11] "+r"(l11), \
              [h11] "+r"(h11), [w0] "=&r"(w0), [w1] "=&r"(w1), [xa] "=&r"(xa), [xb] "=&r"(xb)      \
            : __VA_ARGS__                                                                          \
            : "cc", "memory")
#define BATCH_MATMUL_DSP_LOOP                                                                      \
    BATCH_MATMUL_DSP_RUN("1:\n" BATCH_MATMUL_DSP_PAIR BATCH_MATMUL_DSP_PAIR                        \
                             BATCH_MATMUL_DSP_PAIR BATCH_MATMUL_DSP_PAIR "vmov %[xa], %[end]\n"    \
                         "cmp %[rows], %[xa]\n"                                                    \
                         "bne 1b\n",                                                               \
                         [end] "t"(end))
#define BATCH_MATMUL_DSP_ALL(pairs)                                                                \
    do {                                                                                           \
        float end = xn_keep((uint32_t)(rows + ((pairs) & ~3) * 2));                                \
        if ((pairs) >= 4) {                                                                        \
            BATCH_MATMUL_DSP_LOOP;                                                                 \
        }                                                                                          \
        if (((pairs) & 2) != 0) {                                                                  \
            BATCH_MATMUL_DSP_RUN(BATCH_MATMUL_DSP_PAIR BATCH_MATMUL_DSP_PAIR, );                   \
        }                                                                                          \
        if (((pairs) & 1) != 0) {                                                                  \
            BATCH_MATMUL_DSP_RUN(BATCH_MATMUL_DSP_PAIR, );                                         \
        }                                                                                          \
    } while (0)

static inline int64_t batch_matmul_dsp_join(uint32_t low, uint32_t high) {
    return (int64_t)((uint64_t)high << 32 | low);
}

#endif
