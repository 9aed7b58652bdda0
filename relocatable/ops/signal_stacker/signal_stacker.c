// SignalStacker.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_signal_stacker_params {
    int32_t channels, depth; // vectors in a stack
    int32_t copies;          // of the very first vector
    int32_t step;            // vectors from a stack to the next
} xn_signal_stacker_params;

// in: int16 [channels]; memory: int16 [depth - 1, channels], oldest first, and one value more: how
// many vectors there are, and one if any ever came; out: int16 [depth, channels], 0 if it is not
// whole.
XN_KERNEL void xn_signal_stacker(const int16_t *in, int16_t *memory, int16_t *out,
                                 uint8_t *is_whole, const xn_signal_stacker_params *p) {
    int16_t *state = memory + (p->depth - 1) * p->channels;
    int32_t old = xn_clamp(*state - 1, 0, p->depth - 1) * p->channels;
    int32_t new = (*state ? 1 : p->copies) * p->channels;
    int32_t all = p->depth * p->channels;
    *is_whole = old + new >= all;
    for (int32_t i = 0; i < all; i++) {
        out[i] = !*is_whole ? 0 : i < old ? memory[i] : in[(i - old) % p->channels];
    }
    int32_t dropped = *is_whole ? p->step * p->channels : 0, kept = old + new - dropped;
    for (int32_t i = 0; i < kept; i++) {
        int32_t at = i + dropped;
        memory[i] = at < old ? memory[at] : in[(at - old) % p->channels];
    }
    *state = (int16_t)(kept / p->channels + 1);
}
