// DYNAMIC_UPDATE_SLICE. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_part.h"

typedef struct {
    xn_part part;
    int32_t count;
} XN_NAME(xn_dynamic_update_slice_params);

// in, out: T [size]; update: T [part]; start: int32 [rank, words].
XN_KERNEL void XN_NAME(xn_dynamic_update_slice)(const XN_T *in, const XN_T *update,
                                                const int32_t *start, XN_T *out,
                                                const XN_NAME(xn_dynamic_update_slice_params) * p) {
    for (int32_t i = 0; in != out && i < p->count; i++) {
        out[i] = in[i];
    }
    int32_t first;
    xn_part_walk walk = xn_part_begin(&p->part, start, &first);
    out += first;
    for (; walk.runs > 0; walk.runs--) {
        for (int32_t i = 0; i < p->part.part[7]; i++) {
            out[i] = *update++;
        }
        out += xn_part_next(&walk);
    }
}
