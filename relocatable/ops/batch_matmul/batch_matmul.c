// BATCH_MATMUL: products of matrices; either may be transposed, and repeated for the other's batch.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    int32_t batch[3]; // of the output
    int32_t rows, columns, depth;
    // Elements that a step along each dimension moves.
    struct {
        int32_t batch[3], line, depth;
    } a, b;
#if !XN_IS_FLOAT
    int32_t a_zero, b_zero, out_zero;
    int32_t multiplier, shift; // of int16: 15 bits and a right shift
#endif
} XN_NAME(xn_batch_matmul_params);

// The product of a row and a column.
XN_INLINE XN_T XN_NAME(batch_matmul_dot)(const XN_T *a, const XN_T *b,
                                         const XN_NAME(xn_batch_matmul_params) * p) {
#if XN_IS_FLOAT
    float sum = 0;
#else
    XN_SUM sum = 0;
#endif
    for (int32_t k = 0; k < p->depth; k++, a += p->a.depth, b += p->b.depth) {
#if XN_IS_FLOAT
        sum += *a * *b;
#else
        sum += (*a - p->a_zero) * (*b - p->b_zero);
#endif
    }
#if XN_IS_FLOAT
    return sum;
#else
    int32_t y = XN_RESCALE(sum, p->multiplier, p->shift) + p->out_zero;
    return (XN_T)xn_clamp(y, XN_T_MIN, XN_T_MAX);
#endif
}

// out: T [batch, rows, columns].
XN_KERNEL void XN_NAME(xn_batch_matmul)(const XN_T *a, const XN_T *b, XN_T *out,
                                        const XN_NAME(xn_batch_matmul_params) * p) {
    for (int32_t i = 0; i < p->batch[0]; i++) {
        for (int32_t j = 0; j < p->batch[1]; j++) {
            for (int32_t k = 0; k < p->batch[2]; k++) {
                const XN_T *left = a + i * p->a.batch[0] + j * p->a.batch[1] + k * p->a.batch[2];
                const XN_T *right = b + i * p->b.batch[0] + j * p->b.batch[1] + k * p->b.batch[2];
                for (int32_t y = 0; y < p->rows; y++) {
                    for (int32_t x = 0; x < p->columns; x++) {
                        *out++ = XN_NAME(batch_matmul_dot)(left + y * p->a.line,
                                                           right + x * p->b.line, p);
                    }
                }
            }
        }
    }
}
