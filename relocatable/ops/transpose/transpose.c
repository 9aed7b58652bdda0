// TRANSPOSE of up to six dimensions: the output in order, the input by strides.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_transpose_params {
    int32_t size[6];   // of the output, outermost first
    int32_t stride[6]; // elements of the input that a step along each dimension moves
} xn_transpose_params;

// in: T; out: T [size].
#define XN_TRANSPOSE(NAME, T)                                                                      \
    static inline T *NAME##_plane(const T *in, T *out, const xn_transpose_params *p) {             \
        for (int32_t d = 0; d < p->size[3]; d++, in += p->stride[3]) {                             \
            const T *row = in;                                                                     \
            for (int32_t e = 0; e < p->size[4]; e++, row += p->stride[4]) {                        \
                const T *x = row;                                                                  \
                for (int32_t f = 0; f < p->size[5]; f++, x += p->stride[5]) {                      \
                    *out++ = *x;                                                                   \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        return out;                                                                                \
    }                                                                                              \
    XN_KERNEL void NAME(const T *in, T *out, const xn_transpose_params *p) {                       \
        for (int32_t a = 0; a < p->size[0]; a++) {                                                 \
            for (int32_t b = 0; b < p->size[1]; b++) {                                             \
                for (int32_t c = 0; c < p->size[2]; c++) {                                         \
                    int32_t at = a * p->stride[0] + b * p->stride[1] + c * p->stride[2];           \
                    out = NAME##_plane(in + at, out, p);                                           \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

XN_TRANSPOSE(xn_transpose_8, uint8_t)
XN_TRANSPOSE(xn_transpose_16, uint16_t)
XN_TRANSPOSE(xn_transpose_32, uint32_t)
