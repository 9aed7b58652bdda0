// CUMSUM of int8. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_micro_sum.h"

typedef struct {
    int32_t outer, depth, inner;
    int32_t is_exclusive; // a sum is of the values before its own
    int32_t is_reverse;   // from the end on
    xn_micro_sum sum;
} xn_cumsum_8_params;

// in, out: [outer, depth, inner].
XN_KERNEL void xn_cumsum_8(const int8_t *in, int8_t *out, const xn_cumsum_8_params *p) {
    for (int32_t o = 0; o < p->outer; o++) {
        for (int32_t i = 0; i < p->inner; i++) {
            int32_t sum = 0;
            for (int32_t d = 0; d < p->depth; d++) {
                int32_t at = p->is_reverse ? p->depth - 1 - d : d;
                at = (o * p->depth + at) * p->inner + i;
                int32_t before = sum;
                sum += in[at] - p->sum.zero;
                out[at] = xn_micro_sum_output(p->is_exclusive ? before : sum, &p->sum);
            }
        }
    }
}
