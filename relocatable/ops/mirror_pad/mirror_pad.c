// MIRROR_PAD of any dimensions, value by value.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t in[8], before[8], out[8]; // lengths; of the padding in front
    int32_t less;                     // 1: the edge is not repeated
} XN_NAME(xn_mirror_pad_params);

// in: T [in]; out: T [out].
XN_KERNEL void XN_NAME(xn_mirror_pad)(const XN_T *in, XN_T *out,
                                      const XN_NAME(xn_mirror_pad_params) * p) {
    int32_t at[8], count = 1;
    for (int32_t d = 0; d < 8; d++) {
        at[d] = 0;
        count *= p->out[d];
    }
    for (; count > 0; count--) {
        int32_t place = 0;
        for (int32_t d = 0; d < 8; d++) {
            int32_t i = at[d] - p->before[d], size = p->in[d];
            i = i < 0 ? -i - 1 + p->less : i < size ? i : 2 * size - 1 - p->less - i;
            place = place * size + i;
        }
        *out++ = in[place];
        for (int32_t d = 7; d >= 0 && ++at[d] == p->out[d]; d--) {
            at[d] = 0;
        }
    }
}
