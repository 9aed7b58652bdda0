// RELU, RELU6 and LEAKY_RELU of 16-bit values. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct xn_slopes_16_params {
    int32_t count;
    int32_t multiplier, shift; // of values from zero on
    int32_t below_multiplier, below_shift, below_sign;
    int32_t low, high; // clamp of the output
} xn_slopes_16_params;

XN_KERNEL void xn_slopes_16(const int16_t *in, int16_t *out, const xn_slopes_16_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        int32_t is_below = in[i] < 0;
        int32_t y = xn_multiply_by_quantized_multiplier(
            in[i], is_below ? p->below_multiplier : p->multiplier,
            is_below ? p->below_shift : p->shift);
        y = is_below ? p->below_sign * y : y;
        out[i] = (int16_t)xn_clamp(y, p->low, p->high);
    }
}
