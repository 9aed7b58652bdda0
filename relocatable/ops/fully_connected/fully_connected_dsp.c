// FULLY_CONNECTED of int8 or int16 for the DSP extension: four output channels at a time (see
// xn_dsp.h).
#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t rows, in_c, out_c;
    int32_t quads; // ceil(in_c / 4)
    int32_t part;  // quads after which sums are saved, since they might overflow
    int32_t is_wide;
    xn_dsp_scaling scaling;
} XN_NAME(xn_fully_connected_dsp_params);

static inline uint32_t *XN_NAME(fully_connected_dsp_put)(uint32_t word, uint32_t *to,
                                                         int32_t is_wide) {
    to[0] = xn_even_bytes(word);
    to[1] = is_wide ? xn_odd_bytes(word) : xn_mixed_bytes(word);
    return to + 2;
}

static inline void XN_NAME(fully_connected_dsp_expand)(const XN_T *x, int32_t count, uint32_t *to,
                                                       int32_t is_wide) {
    int32_t i = 0;
#if XN_IS_16_BITS
    for (; i + 2 <= count; i += 2) {
        *to++ = xn_load_bytes(x + i);
    }
    if (i < count) { // what is not written meets weights of 0
        *to = (uint16_t)x[i];
    }
#else
#pragma clang loop unroll_count(4)
    for (; i + 4 <= count; i += 4) {
        to = XN_NAME(fully_connected_dsp_put)(xn_load_bytes(x + i), to, is_wide);
    }
    if (i < count) { // what is not written meets weights of 0
        XN_NAME(fully_connected_dsp_put)(xn_load_some(x + i, count - i), to, is_wide);
    }
#endif
}

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

// Adds some quads of four channels to their sums. Returns what follows in the filter.
XN_INLINE const uint32_t *XN_NAME(fully_connected_dsp_add)(const uint32_t *values,
                                                           const uint32_t *filter, int32_t quads,
                                                           int32_t is_wide, XN_SUM sums[4]) {
    int32_t s0 = (int32_t)sums[0], s1 = (int32_t)sums[1];
    int32_t s2 = (int32_t)sums[2], s3 = (int32_t)sums[3];
    if (XN_IS_16_BITS) {
        FULLY_CONNECTED_DSP_ALL(FULLY_CONNECTED_DSP_QUAD_16,
                                FULLY_CONNECTED_DSP_QUAD_16 FULLY_CONNECTED_DSP_QUAD_16);
    } else if (is_wide) {
        FULLY_CONNECTED_DSP_ALL(FULLY_CONNECTED_DSP_ONE(FULLY_CONNECTED_DSP_WIDE),
                                FULLY_CONNECTED_DSP_TWO(FULLY_CONNECTED_DSP_WIDE));
    } else {
        FULLY_CONNECTED_DSP_ALL(FULLY_CONNECTED_DSP_ONE(FULLY_CONNECTED_DSP_PACKED),
                                FULLY_CONNECTED_DSP_TWO(FULLY_CONNECTED_DSP_PACKED));
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    return filter;
}

// Sums whose parts alone fit into 32 bits; those of int8 at 2^-8.
XN_INLINE const uint32_t *
XN_NAME(fully_connected_dsp_add_parts)(const uint32_t *values, const uint32_t *filter,
                                       XN_SUM sums[4],
                                       const XN_NAME(xn_fully_connected_dsp_params) * p) {
    for (int32_t at = 0; at < p->quads; at += p->part) {
        XN_SUM more[4] = {0};
        filter = XN_NAME(fully_connected_dsp_add)(values + 2 * at, filter,
                                                  xn_min(p->part, p->quads - at), 0, more);
        for (int32_t k = 0; k < 4; k++) {
            sums[k] += XN_IS_16_BITS ? more[k] : more[k] >> (8 - p->scaling.unit);
        }
    }
    return filter;
}

// in: T [rows, in_c]; filter: stream in blocks of four channels, [quads, 4] words of four
// weights each, 0 beyond the last; values: scratch of 8 * quads bytes; out: T [rows, out_c].
XN_KERNEL void XN_NAME(xn_fully_connected_dsp)(const XN_T *in, const uint32_t *filter,
                                               uint32_t *values, XN_T *out,
                                               const XN_NAME(xn_fully_connected_dsp_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        XN_NAME(fully_connected_dsp_expand)(in, p->in_c, values, p->is_wide);
        const uint32_t *w = filter;
        for (int32_t c = 0; c < p->out_c; c += 4, w += 8 * p->scaling.step) {
            XN_SUM sums[4];
            int32_t count = xn_min(4, p->out_c - c);
            for (int32_t k = 0; k < 4; k++) {
                sums[k] = (int32_t)w[k];
            }
            if (p->part >= p->quads) {
                w = XN_NAME(fully_connected_dsp_add)(values, w + 4, p->quads, p->is_wide, sums);
            } else {
                w = XN_NAME(fully_connected_dsp_add_parts)(values, w + 4, sums, p);
            }
            for (int32_t k = 0; k < 4; k++) {
                sums[k] =
                    XN_DSP_SCALE(sums[k], xn_dsp_factor_of(w, 4, k, &p->scaling), &p->scaling);
            }
            for (int32_t k = 0; k < count; k++) {
                *out++ = (XN_T)sums[k];
            }
        }
    }
}
