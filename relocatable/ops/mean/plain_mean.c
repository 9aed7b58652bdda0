// MEAN of integers without a scale, cut off: two loops over what is kept around two over what is
// reduced.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    // Count, and the distance of the elements in the input; in the order of its dimensions.
    struct {
        int32_t count, stride;
    } keep[2], reduce[2];
} XN_NAME(xn_plain_mean_params);

// in: T; out: T [keep[0].count, keep[1].count]. Sums wrap around.
XN_KERNEL void XN_NAME(xn_plain_mean)(const XN_T *in, XN_T *out,
                                      const XN_NAME(xn_plain_mean_params) * p) {
    for (int32_t a = 0; a < p->keep[0].count; a++) {
        for (int32_t b = 0; b < p->keep[1].count; b++) {
            const XN_T *x = in + a * p->keep[0].stride + b * p->keep[1].stride;
            uint64_t sum = 0;
            for (int32_t c = 0; c < p->reduce[0].count; c++) {
                for (int32_t d = 0; d < p->reduce[1].count; d++) {
                    sum += (uint64_t)x[c * p->reduce[0].stride + d * p->reduce[1].stride];
                }
            }
            *out++ = (XN_T)((int64_t)sum / (p->reduce[0].count * p->reduce[1].count));
        }
    }
}
