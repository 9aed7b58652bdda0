// SELECT and SELECT_V2: the second or the third operand, as the first says, with broadcast.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    // Output dimensions, outermost first, and what a step along each moves in the operands.
    struct {
        int32_t size[4];
        int32_t a_stride[4], b_stride[4], c_stride[4];
    } shape;
} XN_NAME(xn_select_params);

#define XN_SELECT_AT(stride) (i0 * (stride)[0] + i1 * (stride)[1] + i2 * (stride)[2])

XN_KERNEL void XN_NAME(xn_select)(const uint8_t *is_first, const XN_T *first, const XN_T *second,
                                  XN_T *out, const XN_NAME(xn_select_params) * p) {
    for (int32_t i0 = 0; i0 < p->shape.size[0]; i0++) {
        for (int32_t i1 = 0; i1 < p->shape.size[1]; i1++) {
            for (int32_t i2 = 0; i2 < p->shape.size[2]; i2++) {
                const uint8_t *a = is_first + XN_SELECT_AT(p->shape.a_stride);
                const XN_T *b = first + XN_SELECT_AT(p->shape.b_stride);
                const XN_T *c = second + XN_SELECT_AT(p->shape.c_stride);
                for (int32_t i3 = 0; i3 < p->shape.size[3]; i3++) {
                    *out++ = *a ? *b : *c;
                    a += p->shape.a_stride[3];
                    b += p->shape.b_stride[3];
                    c += p->shape.c_stride[3];
                }
            }
        }
    }
}

#undef XN_SELECT_AT
