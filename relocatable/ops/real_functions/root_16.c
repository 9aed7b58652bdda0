// SQRT of 16-bit values, cut off. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"

typedef struct xn_root_16_params {
    int32_t count;
    float in_scale, out_scale;
} xn_root_16_params;

// Values below zero count as zero.
XN_KERNEL void xn_root_16(const int16_t *in, int16_t *out, const xn_root_16_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        float root = xn_sqrtf(p->in_scale * (float)xn_max(in[i], 0));
        out[i] = (int16_t)xn_min((int32_t)(root / p->out_scale), INT16_MAX);
    }
}
