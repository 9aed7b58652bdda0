// SignalFilterBankSquareRoot.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_signal_square_root_params {
    int32_t count;
} xn_signal_square_root_params;

// The nearest integer to the root. The largest that fits is not rounded up: of a radicand of 32
// bits that is 65535.
static inline uint32_t xn_signal_root(uint64_t rest) {
    const uint32_t most = rest >> 32 ? UINT32_MAX : UINT16_MAX;
    uint64_t root = 0;
    for (uint64_t bit = (uint64_t)1 << (rest >> 32 ? 62 : 30); bit; bit >>= 2) {
        uint64_t next = root + bit;
        root >>= 1;
        if (rest >= next) {
            rest -= next;
            root += bit;
        }
    }
    return (uint32_t)(rest > root && root != most ? root + 1 : root);
}

// in: uint64 [count]; shift: int32; out: uint32 [count].
XN_KERNEL void xn_signal_square_root(const uint64_t *in, const int32_t *shift, uint32_t *out,
                                     const xn_signal_square_root_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = xn_signal_root(in[i]) >> xn_clamp(*shift, 0, 31);
    }
}
