// SignalFilterBankSpectralSubtraction.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_signal_spectral_subtraction_params {
    int32_t count;
    uint32_t smoothing[2], rest[2]; // of even and of odd channels
    uint32_t least;
    int32_t signal_bits, factor_bits;
    int32_t is_clamped;
} xn_signal_spectral_subtraction_params;

// in: uint32 [count]; memory: uint32 [count], the estimates; out, noise: uint32 [count]. What does
// not fit 32 bits wraps around.
XN_KERNEL void xn_signal_spectral_subtraction(const uint32_t *in, uint32_t *memory, uint32_t *out,
                                              uint32_t *noise,
                                              const xn_signal_spectral_subtraction_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        uint32_t signal = in[i] << p->signal_bits;
        uint64_t sum = (uint64_t)signal * p->smoothing[i & 1];
        sum += (uint64_t)memory[i] * p->rest[i & 1];
        uint32_t estimate = (uint32_t)(sum >> p->factor_bits);
        uint32_t heard = estimate > signal ? signal : estimate;
        uint32_t least = (uint32_t)((uint64_t)in[i] * p->least >> p->factor_bits);
        uint32_t rest = (signal - heard) >> p->signal_bits;
        out[i] = rest > least ? rest : least;
        noise[i] = memory[i] = p->is_clamped ? heard : estimate;
    }
}
