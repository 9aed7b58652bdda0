// FULLY_CONNECTED, plain C.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct xn_fully_connected_i8_params {
    int32_t rows, in_c, out_c;
    int32_t filter_zero; // what of the zero points does not depend on the input is in the bias
    xn_scaling scaling;
} xn_fully_connected_i8_params;

static inline int32_t fully_connected_dot(const int8_t *x, const int8_t *w, int32_t n) {
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)x[i] * w[i];
    }
    return sum;
}

static inline int32_t fully_connected_sum(const int8_t *x, int32_t n) {
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += x[i];
    }
    return sum;
}

// in: int8 [rows, in_c]; filter: int8 [out_c, in_c]; out: int8 [rows, out_c].
XN_KERNEL void xn_fully_connected_i8(const int8_t *in, const int8_t *filter,
                                     const xn_scales *scales, int8_t *out,
                                     const xn_fully_connected_i8_params *p) {
    for (int32_t row = 0; row < p->rows; row++, in += p->in_c) {
        int32_t base = p->filter_zero == 0 ? 0 : -p->filter_zero * fully_connected_sum(in, p->in_c);
        for (int32_t c = 0; c < p->out_c; c++) {
            int32_t sum = base + fully_connected_dot(in, filter + c * p->in_c, p->in_c);
            *out++ = (int8_t)xn_scale(sum, c, scales, &p->scaling);
        }
    }
}
