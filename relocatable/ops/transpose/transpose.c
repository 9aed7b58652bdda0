// TRANSPOSE of up to six dimensions: the output in order, the input by strides.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t size[6];   // of the output, outermost first
    int32_t stride[6]; // elements of the input that a step along each dimension moves
} XN_NAME(xn_transpose_params);

static inline XN_T *XN_NAME(transpose_plane)(const XN_T *in, XN_T *out,
                                             const XN_NAME(xn_transpose_params) * p) {
    for (int32_t d = 0; d < p->size[3]; d++, in += p->stride[3]) {
        const XN_T *row = in;
        for (int32_t e = 0; e < p->size[4]; e++, row += p->stride[4]) {
            const XN_T *x = row;
            for (int32_t f = 0; f < p->size[5]; f++, x += p->stride[5]) {
                *out++ = *x;
            }
        }
    }
    return out;
}

// in: T; out: T [size].
XN_KERNEL void XN_NAME(xn_transpose)(const XN_T *in, XN_T *out,
                                     const XN_NAME(xn_transpose_params) * p) {
    for (int32_t a = 0; a < p->size[0]; a++) {
        for (int32_t b = 0; b < p->size[1]; b++) {
            for (int32_t c = 0; c < p->size[2]; c++) {
                int32_t at = a * p->stride[0] + b * p->stride[1] + c * p->stride[2];
                out = XN_NAME(transpose_plane)(in + at, out, p);
            }
        }
    }
}
