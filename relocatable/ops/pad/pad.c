// PAD and PADV2 of up to four dimensions.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_pad_params {
    int32_t in[4], before[4], after[4]; // elements along each dimension
    int32_t fill;                       // bits of the value
} xn_pad_params;

// Each writes `count` elements and returns the place behind them.
#define XN_PAD(NAME, T)                                                                            \
    static inline T *NAME##_fill(T *out, int32_t count, T value) {                                 \
        for (int32_t i = 0; i < count; i++) {                                                      \
            out[i] = value;                                                                        \
        }                                                                                          \
        return out + count;                                                                        \
    }                                                                                              \
    /* in: T [in]; out: T [before + in + after]. */                                                \
    XN_KERNEL void NAME(const T *in, T *out, const xn_pad_params *p) {                             \
        T fill = (T)p->fill;                                                                       \
        int32_t line = p->before[3] + p->in[3] + p->after[3];                                      \
        int32_t plane = (p->before[2] + p->in[2] + p->after[2]) * line;                            \
        int32_t block = (p->before[1] + p->in[1] + p->after[1]) * plane;                           \
        out = NAME##_fill(out, p->before[0] * block, fill);                                        \
        for (int32_t n = 0; n < p->in[0]; n++) {                                                   \
            out = NAME##_fill(out, p->before[1] * plane, fill);                                    \
            for (int32_t y = 0; y < p->in[1]; y++) {                                               \
                out = NAME##_fill(out, p->before[2] * line, fill);                                 \
                for (int32_t x = 0; x < p->in[2]; x++) {                                           \
                    out = NAME##_fill(out, p->before[3], fill);                                    \
                    for (int32_t c = 0; c < p->in[3]; c++) {                                       \
                        *out++ = *in++;                                                            \
                    }                                                                              \
                    out = NAME##_fill(out, p->after[3], fill);                                     \
                }                                                                                  \
                out = NAME##_fill(out, p->after[2] * line, fill);                                  \
            }                                                                                      \
            out = NAME##_fill(out, p->after[1] * plane, fill);                                     \
        }                                                                                          \
        NAME##_fill(out, p->after[0] * block, fill);                                               \
    }

XN_PAD(xn_pad_8, uint8_t)
XN_PAD(xn_pad_32, uint32_t)
