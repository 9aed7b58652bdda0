// SignalOverlapAdd.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t outer, frames, size, step;
} XN_NAME(xn_signal_overlap_add_params);

// in: T [outer, frames, size]; memory: T [outer, size], what is added up so far; out: T [outer,
// frames, step]. Sums of integers are saturated.
XN_KERNEL void XN_NAME(xn_signal_overlap_add)(const XN_T *in, XN_T *memory, XN_T *out,
                                              const XN_NAME(xn_signal_overlap_add_params) * p) {
    for (int32_t i = 0; i < p->outer * p->frames; i++, in += p->size, out += p->step) {
        XN_T *sums = memory + i / p->frames * p->size;
        for (int32_t k = 0; k < p->size; k++) {
#if XN_IS_FLOAT
            sums[k] += in[k];
#else
            sums[k] = (XN_T)xn_clamp(sums[k] + in[k], XN_T_MIN, XN_T_MAX);
#endif
        }
        for (int32_t k = 0; k < p->step; k++) {
            out[k] = sums[k];
        }
        for (int32_t k = 0; k < p->size; k++) {
            sums[k] = k < p->size - p->step ? sums[k + p->step] : 0;
        }
    }
}
