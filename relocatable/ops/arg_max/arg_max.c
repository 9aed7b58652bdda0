// ARG_MAX and ARG_MIN: the place of the first largest or smallest value along an axis.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t outer, depth, inner;
    int32_t words;       // of an output: 1 of int32, 2 of int64
    int32_t is_smallest; // ARG_MIN
} XN_NAME(xn_arg_max_params);

// in: T [outer, depth, inner]; out: int32 [outer, inner, words].
XN_KERNEL void XN_NAME(xn_arg_max)(const XN_T *in, int32_t *out,
                                   const XN_NAME(xn_arg_max_params) * p) {
    for (int32_t o = 0; o < p->outer; o++, in += p->depth * p->inner) {
        for (int32_t i = 0; i < p->inner; i++) {
            XN_T best = in[i];
            int32_t at = 0;
            for (int32_t d = 1; d < p->depth; d++) {
                XN_T x = in[d * p->inner + i];
                if (p->is_smallest ? x < best : x > best) {
                    best = x;
                    at = d;
                }
            }
            *out++ = at;
            if (p->words == 2) {
                *out++ = 0;
            }
        }
    }
}
