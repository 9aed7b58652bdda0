// CUMSUM: running sums along an axis. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t outer, depth, inner;
    int32_t is_exclusive; // a sum is of the values before its own
    int32_t is_reverse;   // from the end on
} XN_NAME(xn_cumsum_params);

// in, out: T [outer, depth, inner]. Integers wrap around.
XN_KERNEL void XN_NAME(xn_cumsum)(const XN_T *in, XN_T *out, const XN_NAME(xn_cumsum_params) * p) {
    for (int32_t o = 0; o < p->outer; o++) {
        for (int32_t i = 0; i < p->inner; i++) {
            XN_T sum = 0;
            for (int32_t d = 0; d < p->depth; d++) {
                int32_t at = p->is_reverse ? p->depth - 1 - d : d;
                at = (o * p->depth + at) * p->inner + i;
                XN_T before = sum;
#if XN_IS_FLOAT
                sum += in[at];
#else
                sum = (XN_T)((uint64_t)sum + (uint64_t)in[at]);
#endif
                out[at] = p->is_exclusive ? before : sum;
            }
        }
    }
}
