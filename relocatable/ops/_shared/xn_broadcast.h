// Two operands of different shapes, walked together.
#ifndef XN_BROADCAST_H
#define XN_BROADCAST_H

#include <stdint.h>

// Output dimensions, outermost first, and the elements by which a step along each of them moves in
// an operand: 0 if the operand is repeated.
typedef struct xn_broadcast {
    int32_t size[4];
    int32_t a_stride[4], b_stride[4];
} xn_broadcast;

// Runs a statement for every output in order; it can use `a` and `b`, the operands' element
// indices.
#define XN_BROADCAST_EACH(s, statement)                                                            \
    for (int32_t i0 = 0; i0 < (s)->size[0]; i0++) {                                                \
        for (int32_t i1 = 0; i1 < (s)->size[1]; i1++) {                                            \
            for (int32_t i2 = 0; i2 < (s)->size[2]; i2++) {                                        \
                int32_t a0 =                                                                       \
                    i0 * (s)->a_stride[0] + i1 * (s)->a_stride[1] + i2 * (s)->a_stride[2];         \
                int32_t b0 =                                                                       \
                    i0 * (s)->b_stride[0] + i1 * (s)->b_stride[1] + i2 * (s)->b_stride[2];         \
                for (int32_t i3 = 0; i3 < (s)->size[3]; i3++) {                                    \
                    int32_t a = a0 + i3 * (s)->a_stride[3];                                        \
                    int32_t b = b0 + i3 * (s)->b_stride[3];                                        \
                    statement;                                                                     \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

// Runs a statement for every `width` outputs of an innermost dimension, in order; it can use `a`
// and `b`, the element indices of the first ones, and `count`, how many there are: less than
// `width` at the end. Along that dimension operands step by 1 or 0.
#define XN_BROADCAST_BLOCKS(s, width, statement)                                                   \
    for (int32_t i0 = 0; i0 < (s)->size[0]; i0++) {                                                \
        for (int32_t i1 = 0; i1 < (s)->size[1]; i1++) {                                            \
            for (int32_t i2 = 0; i2 < (s)->size[2]; i2++) {                                        \
                int32_t a0 =                                                                       \
                    i0 * (s)->a_stride[0] + i1 * (s)->a_stride[1] + i2 * (s)->a_stride[2];         \
                int32_t b0 =                                                                       \
                    i0 * (s)->b_stride[0] + i1 * (s)->b_stride[1] + i2 * (s)->b_stride[2];         \
                int32_t i3 = 0;                                                                    \
                for (; i3 + (width) <= (s)->size[3]; i3 += (width)) {                              \
                    const int32_t a = a0 + i3 * (s)->a_stride[3];                                  \
                    const int32_t b = b0 + i3 * (s)->b_stride[3];                                  \
                    const int32_t count = (width);                                                 \
                    statement;                                                                     \
                }                                                                                  \
                if (i3 < (s)->size[3]) {                                                           \
                    const int32_t a = a0 + i3 * (s)->a_stride[3];                                  \
                    const int32_t b = b0 + i3 * (s)->b_stride[3];                                  \
                    const int32_t count = (s)->size[3] - i3;                                       \
                    statement;                                                                     \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

#endif
