// SignalFilterBankLog.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_signal_log_params {
    int32_t count, bits;
    uint32_t scale, ln_2;
} xn_signal_log_params;

// log2(x) of x > 0, times 2^16. bend: uint16 [129], log2(1 + f) - f at every 1/128.
static inline uint32_t xn_signal_log2(uint32_t x, const uint16_t *bend) {
    int32_t exponent = 31 - __builtin_clz(x);
    uint32_t f = x - ((uint32_t)1 << exponent);
    f = exponent < 16 ? f << (16 - exponent) : f >> (exponent - 16);
    const uint16_t *at = bend + (f >> 9);
    int32_t within = (at[1] - at[0]) * (int32_t)(f & 511) >> 16;
    return ((uint32_t)exponent << 16) + f + at[0] + (uint32_t)within;
}

// in: uint32 [count]; out: int16 [count], at most 32767. What does not fit 32 bits wraps around.
XN_KERNEL void xn_signal_log(const uint32_t *in, const uint16_t *bend, int16_t *out,
                             const xn_signal_log_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        uint32_t x = in[i] << p->bits, y = 0;
        if (x > 1) {
            uint32_t log2 = xn_signal_log2(x, bend);
            uint32_t natural = (uint32_t)(((uint64_t)log2 * p->ln_2 + 32768) >> 16);
            y = (natural * p->scale + 32768) >> 16;
        }
        out[i] = (int16_t)(y < INT16_MAX ? y : INT16_MAX);
    }
}
