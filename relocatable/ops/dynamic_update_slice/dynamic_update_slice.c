// DYNAMIC_UPDATE_SLICE. The input may be overwritten.
#include "ops/_shared/xn_index.h"
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t count;
    int32_t rank;  // start indices, of the last dimensions
    int32_t words; // of a start index: 1 of int32, 2 of int64
    int32_t size[8], part[8];
} XN_NAME(xn_dynamic_update_slice_params);

// in, out: T [size]; update: T [part]; start: int32 [rank, words].
XN_KERNEL void XN_NAME(xn_dynamic_update_slice)(const XN_T *in, const XN_T *update,
                                                const int32_t *start, XN_T *out,
                                                const XN_NAME(xn_dynamic_update_slice_params) * p) {
    for (int32_t i = 0; in != out && i < p->count; i++) {
        out[i] = in[i];
    }
    int32_t stride[8], done[8], runs = 1, step = 1;
    for (int32_t d = 7; d >= 0; d--) {
        int32_t i = d - (8 - p->rank);
        if (i >= 0) {
            int32_t places = p->size[d] - p->part[d] + 1;
            out += step * xn_index_inside(start + i * p->words, p->words, places);
        }
        stride[d] = step;
        done[d] = 0;
        step *= p->size[d];
        runs *= d < 7 ? p->part[d] : 1;
    }
    for (; runs > 0; runs--) {
        for (int32_t i = 0; i < p->part[7]; i++) {
            out[i] = *update++;
        }
        for (int32_t d = 6; d >= 0; d--) { // the next run
            out += stride[d];
            done[d]++;
            if (done[d] < p->part[d]) {
                break;
            }
            out -= done[d] * stride[d];
            done[d] = 0;
        }
    }
}
