// SignalFftAutoScale.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_signal_fft_auto_scale_params {
    int32_t count;
} xn_signal_fft_auto_scale_params;

// in, out: int16 [count]; shift: int32, by which out is shifted.
XN_KERNEL void xn_signal_fft_auto_scale(const int16_t *in, int16_t *out, int32_t *shift,
                                        const xn_signal_fft_auto_scale_params *p) {
    int16_t largest = 0;
    for (int32_t i = 0; i < p->count; i++) {
        if (in[i] > largest) {
            largest = in[i];
        } else if (-in[i] > largest) {
            largest = (int16_t)-in[i]; // -32768 stays
        }
    }
    *shift = largest > 0 ? __builtin_clz((uint32_t)largest) - 17 : 0;
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = (int16_t)((uint32_t)in[i] << *shift);
    }
}
