// SLICE from a place that is computed.
#include "ops/_shared/xn_index.h"
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t rank;  // places, of the last dimensions
    int32_t words; // of a place: 1 of int32, 2 of int64
    int32_t size[8], part[8];
} XN_NAME(xn_slice_params);

// in: T [size]; begin: int32 [rank, words]; out: T [part].
XN_KERNEL void XN_NAME(xn_slice)(const XN_T *in, const int32_t *begin, XN_T *out,
                                 const XN_NAME(xn_slice_params) * p) {
    int32_t stride[8], done[8], runs = 1, step = 1;
    for (int32_t d = 7; d >= 0; d--) {
        int32_t i = d - (8 - p->rank);
        if (i >= 0) {
            int32_t places = p->size[d] - p->part[d] + 1;
            in += step * xn_index_inside(begin + i * p->words, p->words, places);
        }
        stride[d] = step;
        done[d] = 0;
        step *= p->size[d];
        runs *= d < 7 ? p->part[d] : 1;
    }
    for (; runs > 0; runs--) {
        for (int32_t i = 0; i < p->part[7]; i++) {
            *out++ = in[i];
        }
        for (int32_t d = 6; d >= 0; d--) { // the next run
            in += stride[d];
            done[d]++;
            if (done[d] < p->part[d]) {
                break;
            }
            in -= done[d] * stride[d];
            done[d] = 0;
        }
    }
}
