// SignalEnergy.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_signal_energy_params {
    int32_t count, start, end;
} xn_signal_energy_params;

// in: int16 [count, 2], real and imaginary parts; out: uint32 [count], 0 outside of [start, end).
XN_KERNEL void xn_signal_energy(const int16_t *in, uint32_t *out,
                                const xn_signal_energy_params *p) {
    for (int32_t i = 0; i < p->count; i++, in += 2) {
        uint32_t energy = (uint32_t)(in[0] * in[0]) + (uint32_t)(in[1] * in[1]);
        out[i] = i >= p->start && i < p->end ? energy : 0;
    }
}
