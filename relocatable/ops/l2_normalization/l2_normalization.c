// L2_NORMALIZATION: rows divided by the root of their sum of squares. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_norm.h"

typedef struct {
    int32_t rows, depth;
#if !XN_IS_FLOAT
    int32_t in_zero;
#endif
} XN_NAME(xn_l2_normalization_params);

// in, out: T [rows, depth].
XN_KERNEL void XN_NAME(xn_l2_normalization)(const XN_T *in, XN_T *out,
                                            const XN_NAME(xn_l2_normalization_params) * p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        XN_WIDE sum = 0;
#if XN_IS_FLOAT
        for (int32_t i = 0; i < p->depth; i++) {
            sum += in[i] * in[i];
        }
        float norm = xn_norm_root(sum);
        norm = norm < 1e-6f ? 1e-6f : norm;
        for (int32_t i = 0; i < p->depth; i++) {
            out[i] = in[i] / norm;
        }
#else
        for (int32_t i = 0; i < p->depth; i++) {
            sum += (in[i] - p->in_zero) * (in[i] - p->in_zero);
        }
        // The output's scale is 1/128.
        xn_norm_factor factor = xn_norm_reciprocal(sum);
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t x = in[i] - p->in_zero;
            int32_t y =
                XN_T_MIN == 0
                    ? xn_multiply_by_smaller_than_one(128 * x, factor.multiplier, -factor.right) +
                          128
                    : xn_multiply_by_quantized_multiplier(x, factor.multiplier, 7 - factor.right);
            out[i] = (XN_T)xn_clamp(y, XN_T_MIN, XN_T_MAX);
        }
#endif
    }
}
