// SignalWindow. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_signal_window_params {
    int32_t count, size, shift;
} xn_signal_window_params;

// in, out: int16 [count / size, size]; weights: int16 [size].
XN_KERNEL void xn_signal_window(const int16_t *in, const int16_t *weights, int16_t *out,
                                const xn_signal_window_params *p) {
    for (int32_t at = 0; at < p->count; at += p->size) {
        for (int32_t i = 0; i < p->size; i++) {
            int32_t product = in[at + i] * weights[i] >> p->shift;
            out[at + i] = (int16_t)xn_clamp(product, INT16_MIN, INT16_MAX);
        }
    }
}
