// PAD and PADV2 of up to four runs of dimensions, of which only the first one is padded.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t in[4], before[4], after[4]; // values of each run, pads too
    int32_t fill;                       // bits of the value
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
    XN_T fill = (XN_T)p->fill;
    int32_t line = p->before[3] + p->in[3] + p->after[3];
    int32_t plane = (p->before[2] + p->in[2] + p->after[2]) * line;
    int32_t block = (p->before[1] + p->in[1] + p->after[1]) * plane;
    out = XN_NAME(pad_fill)(out, p->before[0] * block, fill);
    for (int32_t n = 0; n < p->in[0]; n++) {
        out = XN_NAME(pad_fill)(out, p->before[1] * plane, fill);
        for (int32_t y = 0; y < p->in[1]; y++) {
            out = XN_NAME(pad_fill)(out, p->before[2] * line, fill);
            for (int32_t x = 0; x < p->in[2]; x++) {
                out = XN_NAME(pad_fill)(out, p->before[3], fill);
                for (int32_t c = 0; c < p->in[3]; c++) {
                    *out++ = *in++;
                }
                out = XN_NAME(pad_fill)(out, p->after[3], fill);
            }
            out = XN_NAME(pad_fill)(out, p->after[2] * line, fill);
        }
        out = XN_NAME(pad_fill)(out, p->after[1] * plane, fill);
    }
    XN_NAME(pad_fill)(out, p->after[0] * block, fill);
}
