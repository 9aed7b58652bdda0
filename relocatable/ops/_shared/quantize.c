// QUANTIZE of floats, DEQUANTIZE; T is the integer type.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    int32_t count;
    float scale;
    int32_t zero;
} XN_NAME(xn_quantize_params);

// in: float [count]; out: T [count].
XN_KERNEL void XN_NAME(xn_quantize)(const float *in, XN_T *out,
                                    const XN_NAME(xn_quantize_params) * p) {
    for (int32_t i = 0; i < p->count; i++) {
        int32_t y = xn_round_float(in[i] / p->scale) + p->zero;
        out[i] = (XN_T)xn_clamp(y, XN_T_MIN, XN_T_MAX);
    }
}

// in: T [count]; out: float [count].
XN_KERNEL void XN_NAME(xn_dequantize)(const XN_T *in, float *out,
                                      const XN_NAME(xn_quantize_params) * p) {
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = p->scale * (float)(in[i] - p->zero);
    }
}
