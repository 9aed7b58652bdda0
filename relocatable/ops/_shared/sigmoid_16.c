// LOGISTIC and TANH of 16-bit values, on the lines of one table. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_sigmoid_16_params {
    int32_t count;
    int32_t multiplier, shift; // to steps of 1 / (3 * 4096)
    int32_t is_tanh;           // 2 * logistic(2 * x) - 1
} xn_sigmoid_16_params;

// table: logistic(i / 24) in 16 fraction bits, [256].
XN_KERNEL void xn_sigmoid_16(const int16_t *in, const uint16_t *table, int16_t *out,
                             const xn_sigmoid_16_params *p) {
    int32_t bits = p->is_tanh ? 8 : 9; // between two entries
    int32_t round = p->shift > 0 ? 1 << (p->shift - 1) : 0;
    for (int32_t i = 0; i < p->count; i++) {
        int32_t x = (in[i] * p->multiplier + round) >> p->shift;
        uint32_t size = (uint32_t)(x < 0 ? -x : x);
        uint32_t at = size >> bits, rest = size & ((1u << bits) - 1u);
        uint32_t y = p->is_tanh ? 0xFFFFu << 8 : 0x7FFFu << 10;
        if (at < 255) {
            uint32_t from = table[at];
            y = (from << bits) + rest * (table[at + 1] - from);
        }
        if (p->is_tanh) {
            int32_t above = (int32_t)y - (1 << 23);
            out[i] = (int16_t)((x >= 0 ? above + (1 << 7) : (1 << 7) - 1 - above) >> 8);
        } else {
            out[i] = (int16_t)((x >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1) >> 10);
        }
    }
}
