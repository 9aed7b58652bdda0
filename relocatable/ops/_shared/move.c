// Values that are only moved: loops over what is written, read by strides.
#include "ops/_shared/xn_kernel.h"

// Elements, outermost loop first.
typedef struct {
    int32_t in_start, out_start;
    int32_t size[8];
    int32_t in[8], out[8]; // what a step along each loop moves
} XN_NAME(xn_move_params);

// The four inner loops.
XN_INLINE void XN_NAME(move_block)(const XN_T *in, XN_T *out, const XN_NAME(xn_move_params) * p) {
    for (int32_t e = 0; e < p->size[4]; e++) {
        for (int32_t f = 0; f < p->size[5]; f++) {
            const XN_T *plane = in + e * p->in[4] + f * p->in[5];
            XN_T *to = out + e * p->out[4] + f * p->out[5];
            for (int32_t g = 0; g < p->size[6]; g++, plane += p->in[6], to += p->out[6]) {
                const XN_T *from = plane;
                XN_T *row = to;
                for (int32_t h = 0; h < p->size[7]; h++, from += p->in[7], row += p->out[7]) {
                    *row = *from;
                }
            }
        }
    }
}

XN_KERNEL void XN_NAME(xn_move)(const XN_T *in, XN_T *out, const XN_NAME(xn_move_params) * p) {
    in += p->in_start;
    out += p->out_start;
    for (int32_t a = 0; a < p->size[0]; a++) {
        for (int32_t b = 0; b < p->size[1]; b++) {
            for (int32_t c = 0; c < p->size[2]; c++) {
                for (int32_t d = 0; d < p->size[3]; d++) {
                    const XN_T *from = in + a * p->in[0] + b * p->in[1] + c * p->in[2];
                    XN_T *to = out + a * p->out[0] + b * p->out[1] + c * p->out[2];
                    XN_NAME(move_block)(from + d * p->in[3], to + d * p->out[3], p);
                }
            }
        }
    }
}
