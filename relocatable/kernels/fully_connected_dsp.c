// FULLY_CONNECTED for the DSP extension: two output channels at a time.
#include "kernels/xn_dsp.h"
#include "kernels/xn_kernel.h"
#include "kernels/xn_scale.h"

typedef struct xn_fully_connected_dsp_params {
    int32_t rows, in_c, out_c;
    int32_t quads; // ceil(in_c / 4)
    xn_scaling scaling;
} xn_fully_connected_dsp_params;

// Each four values as the pairs (0, 2) and (1, 3), the order in which SXTB16 takes weights apart.
static inline void fully_connected_dsp_expand(const int8_t *x, int32_t count, uint32_t *to) {
    int32_t i = 0;
    for (; i + 4 <= count; i += 4, to += 2) {
        uint32_t word = xn_load_bytes(x + i);
        to[0] = xn_even_bytes(word);
        to[1] = xn_odd_bytes(word);
    }
    if (i < count) { // what is not written meets weights of 0
        uint32_t word = 0;
        for (int32_t k = 0; i + k < count; k++) {
            word |= (uint32_t)(uint8_t)x[i + k] << (8 * k);
        }
        to[0] = xn_even_bytes(word);
        to[1] = xn_odd_bytes(word);
    }
}

#define FULLY_CONNECTED_DSP_QUAD                                                                   \
    "ldrd %[w0], %[w1], [%[filter]], #8\n"                                                         \
    "ldrd %[xe], %[xo], [%[values]], #8\n"                                                         \
    "sxtb16 %[e0], %[w0]\n"                                                                        \
    "sxtb16 %[e1], %[w1]\n"                                                                        \
    "sxtb16 %[w0], %[w0], ror #8\n"                                                                \
    "sxtb16 %[w1], %[w1], ror #8\n"                                                                \
    "smlad %[s0], %[xe], %[e0], %[s0]\n"                                                           \
    "smlad %[s1], %[xe], %[e1], %[s1]\n"                                                           \
    "smlad %[s0], %[xo], %[w0], %[s0]\n"                                                           \
    "smlad %[s1], %[xo], %[w1], %[s1]\n"

#define FULLY_CONNECTED_DSP_LOOP(QUADS)                                                            \
    __asm__("1:\n" QUADS "cmp %[filter], %[end]\n"                                                 \
            "bne 1b\n"                                                                             \
            : [filter] "+r"(filter), [values] "+r"(values), [s0] "+r"(s0), [s1] "+r"(s1),          \
              [w0] "=&r"(w0), [w1] "=&r"(w1), [e0] "=&r"(e0), [e1] "=&r"(e1), [xe] "=&r"(xe),      \
              [xo] "=&r"(xo)                                                                       \
            : [end] "r"(end)                                                                       \
            : "cc", "memory")

static inline void fully_connected_dsp_two(const uint32_t *values, const uint32_t *filter,
                                           int32_t quads, int32_t sums[2]) {
    int32_t s0 = 0, s1 = 0;
    uint32_t w0, w1, e0, e1, xe, xo;
    const uint32_t *end = filter + (quads & ~3) * 2;
    if (filter != end) {
        FULLY_CONNECTED_DSP_LOOP(FULLY_CONNECTED_DSP_QUAD FULLY_CONNECTED_DSP_QUAD
                                     FULLY_CONNECTED_DSP_QUAD FULLY_CONNECTED_DSP_QUAD);
    }
    end = filter + (quads & 3) * 2;
    if (filter != end) {
        FULLY_CONNECTED_DSP_LOOP(FULLY_CONNECTED_DSP_QUAD);
    }
    sums[0] = s0;
    sums[1] = s1;
}

// in: int8 [rows, in_c]; filter: int8 [ceil(out_c / 2), quads, 2, 4], a row of 0 where out_c is
// odd; values: scratch of 8 * quads bytes; out: int8 [rows, out_c].
XN_KERNEL void xn_fully_connected_dsp(const int8_t *in, const int8_t *filter,
                                      const xn_scales *scales, uint32_t *values, int8_t *out,
                                      const xn_fully_connected_dsp_params *p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        fully_connected_dsp_expand(in, p->in_c, values);
        const uint32_t *w = (const uint32_t *)filter;
        for (int32_t c = 0; c < p->out_c; c += 2, w += 2 * p->quads) {
            int32_t sums[2];
            fully_connected_dsp_two(values, w, p->quads, sums);
            for (int32_t k = 0; k < 2 && c + k < p->out_c; k++) {
                *out++ = (int8_t)xn_scale(sums[k], c + k, scales, &p->scaling);
            }
        }
    }
}
