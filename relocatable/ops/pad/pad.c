// PAD and PADV2 of up to five runs of dimensions, of which only the first one is padded.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t in[5], before[5], after[5]; // values of each run, pads too
    int32_t fill, fill_high;            // bits of the value
} XN_NAME(xn_pad_params);

// Each writes `count` elements and returns the place behind them.
static inline XN_T *XN_NAME(pad_fill)(XN_T *out, int32_t count, XN_T value) {
    for (int32_t i = 0; i < count; i++) {
        out[i] = value;
    }
    return out + count;
}

// in: T [in]; out: T [before + in + after].
XN_KERNEL void XN_NAME(xn_pad)(const XN_T *in, XN_T *out, const XN_NAME(xn_pad_params) * p) {
    XN_T fill = (XN_T)((uint64_t)(uint32_t)p->fill_high << 32 | (uint32_t)p->fill);
    int32_t size[5], step = 1; // values of an index of each run, pads too
    for (int32_t i = 4; i >= 0; i--) {
        size[i] = step;
        step *= p->before[i] + p->in[i] + p->after[i];
    }
    out = XN_NAME(pad_fill)(out, p->before[0] * size[0], fill);
    for (int32_t m = 0; m < p->in[0]; m++) {
        out = XN_NAME(pad_fill)(out, p->before[1] * size[1], fill);
        for (int32_t n = 0; n < p->in[1]; n++) {
            out = XN_NAME(pad_fill)(out, p->before[2] * size[2], fill);
            for (int32_t y = 0; y < p->in[2]; y++) {
                out = XN_NAME(pad_fill)(out, p->before[3] * size[3], fill);
                for (int32_t x = 0; x < p->in[3]; x++) {
                    out = XN_NAME(pad_fill)(out, p->before[4], fill);
                    for (int32_t c = 0; c < p->in[4]; c++) {
                        *out++ = *in++;
                    }
                    out = XN_NAME(pad_fill)(out, p->after[4], fill);
                }
                out = XN_NAME(pad_fill)(out, p->after[3] * size[3], fill);
            }
            out = XN_NAME(pad_fill)(out, p->after[2] * size[2], fill);
        }
        out = XN_NAME(pad_fill)(out, p->after[1] * size[1], fill);
    }
    XN_NAME(pad_fill)(out, p->after[0] * size[0], fill);
}
