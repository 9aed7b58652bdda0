// QUANTIZE of integers to integers of another scale.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

typedef struct xn_requantize_params {
    int32_t count;
    int32_t in_zero, out_zero;
    int32_t multiplier, shift;
} xn_requantize_params;

XN_INLINE int32_t xn_requantize(int32_t x, const xn_requantize_params *p) {
    return xn_multiply_by_quantized_multiplier(x - p->in_zero, p->multiplier, p->shift) +
           p->out_zero;
}

// Values of any type of up to 32 bits to T of [low, high].
#define XN_REQUANTIZE(in, out, T, low, high, p)                                                    \
    for (int32_t i = 0; i < (p)->count; i++) {                                                     \
        (out)[i] = (T)xn_clamp(xn_requantize((in)[i], p), low, high);                              \
    }
