// SLICE from a place that is computed.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_part.h"

typedef struct {
    xn_part part;
} XN_NAME(xn_slice_params);

// in: T [size]; begin: int32 [rank, words]; out: T [part].
XN_KERNEL void XN_NAME(xn_slice)(const XN_T *in, const int32_t *begin, XN_T *out,
                                 const XN_NAME(xn_slice_params) * p) {
    int32_t start;
    xn_part_walk walk = xn_part_begin(&p->part, begin, &start);
    in += start;
    for (; walk.runs > 0; walk.runs--) {
        for (int32_t i = 0; i < p->part.part[7]; i++) {
            *out++ = in[i];
        }
        in += xn_part_next(&walk);
    }
}
