// LOGISTIC and TANH of 16-bit values, on the lines of one table. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_sigmoid_16.h"

typedef struct xn_sigmoid_16_params {
    int32_t count;
    int32_t multiplier, shift; // to steps of 1 / (3 * 4096)
    int32_t is_tanh;           // 2 * logistic(2 * x) - 1
} xn_sigmoid_16_params;

// table: logistic(i / 24) in 16 fraction bits, [256].
XN_KERNEL void xn_sigmoid_16(const int16_t *in, const uint16_t *table, int16_t *out,
                             const xn_sigmoid_16_params *p) {
    int32_t bits = xn_sigmoid_16_bits(p->is_tanh);
    int32_t round = p->shift > 0 ? 1 << (p->shift - 1) : 0;
    for (int32_t i = 0; i < p->count; i++) {
        int32_t x = (in[i] * p->multiplier + round) >> p->shift;
        out[i] = xn_sigmoid_16_line(x, table, p->is_tanh, bits);
    }
}
