// ONE_HOT: one value where an index points to, another elsewhere.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t outer, depth, inner;
    int32_t words; // of an index: 1 of int32, 2 of int64
} XN_NAME(xn_one_hot_params);

// indices: int32 [outer, inner, words]; values: T, elsewhere and where; out: T [outer, depth,
// inner].
XN_KERNEL void XN_NAME(xn_one_hot)(const int32_t *indices, const XN_T *values, XN_T *out,
                                   const XN_NAME(xn_one_hot_params) * p) {
    for (int32_t o = 0; o < p->outer; o++, indices += p->inner * p->words) {
        for (int32_t d = 0; d < p->depth; d++) {
            for (int32_t i = 0; i < p->inner; i++) {
                const int32_t *index = indices + i * p->words;
                int32_t is_there = index[0] == d && index[p->words - 1] == (p->words == 2 ? 0 : d);
                *out++ = values[is_there];
            }
        }
    }
}
