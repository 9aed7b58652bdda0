// SignalPCAN. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_signal_pcan_params {
    int32_t count, shift;
} xn_signal_pcan_params;

// The gain of a noise, between its first bit and the next: a curve of three coefficients.
static inline int16_t xn_signal_gain(uint32_t noise, const int16_t *gains) {
    if (noise <= 2) {
        return gains[noise];
    }
    int32_t bits = 32 - __builtin_clz(noise);
    const int16_t *curve = gains + 4 * bits - 6;
    uint32_t at = bits < 11 ? noise << (11 - bits) : noise >> (bits - 11);
    int32_t part = (int32_t)(at & 0x3FF);
    int32_t y = (curve[2] * part >> 5) + curve[1] * 32;
    return (int16_t)((y * part + 16384 >> 15) + curve[0]);
}

// in, noise: uint32 [count]; gains: int16 [125]; out: uint32 [count]. The ratio has 12 bits after
// the point, what it is squeezed to 6.
XN_KERNEL void xn_signal_pcan(const uint32_t *in, const uint32_t *noise, const int16_t *gains,
                              uint32_t *out, const xn_signal_pcan_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        uint32_t gain = (uint32_t)xn_signal_gain(noise[i], gains);
        uint32_t ratio = (uint32_t)((uint64_t)in[i] * gain >> p->shift);
        out[i] = ratio < 2 << 12 ? ratio * ratio >> 20 : (ratio >> 6) - (1 << 6);
    }
}
