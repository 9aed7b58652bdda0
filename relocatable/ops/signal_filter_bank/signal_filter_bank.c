// SignalFilterBank.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_signal_filter_bank_params {
    int32_t channels;
} xn_signal_filter_bank_params;

// in: uint32 energies; weights, unweights: int16; starts, weight_starts, widths: int16
// [channels + 1]; out: uint64 [channels]. Sums wrap around.
XN_KERNEL void xn_signal_filter_bank(const uint32_t *in, const int16_t *weights,
                                     const int16_t *unweights, const int16_t *starts,
                                     const int16_t *weight_starts, const int16_t *widths,
                                     uint64_t *out, const xn_signal_filter_bank_params *p) {
    uint64_t sum = 0;
    for (int32_t channel = 0; channel <= p->channels; channel++) {
        uint64_t next = 0;
        for (int32_t i = 0; i < widths[channel]; i++) {
            uint64_t energy = in[starts[channel] + i];
            sum += energy * (uint64_t)weights[weight_starts[channel] + i];
            next += energy * (uint64_t)unweights[weight_starts[channel] + i];
        }
        if (channel > 0) {
            out[channel - 1] = sum;
        }
        sum = next;
    }
}
