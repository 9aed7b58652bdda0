// QUANTIZE of floats, DEQUANTIZE of 8-bit values. (QUANTIZE of 8-bit values is a table.)
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct xn_quantize_params {
    int32_t count;
    float scale;
    int32_t zero;
    int32_t is_signed; // the 8-bit side
} xn_quantize_params;

// in: float [count]; out: int8 or uint8 [count].
XN_KERNEL void xn_quantize_f32(const float *in, uint8_t *out, const xn_quantize_params *p) {
    int32_t low = p->is_signed ? -128 : 0;
    for (int32_t i = 0; i < p->count; i++) {
        int32_t y = xn_round_float(in[i] / p->scale) + p->zero;
        out[i] = (uint8_t)xn_clamp(y, low, low + 255);
    }
}

// in: int8 or uint8 [count]; out: float [count].
XN_KERNEL void xn_dequantize_8(const uint8_t *in, float *out, const xn_quantize_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = p->scale * (float)(xn_load_8(in + i, p->is_signed) - p->zero);
    }
}
