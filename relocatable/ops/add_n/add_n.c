// ADD_N of int8.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_micro_sum.h"

enum { XN_MOST_ADDENDS = 64 };

typedef struct {
    const int8_t *in[XN_MOST_ADDENDS];
} xn_addends;

typedef struct {
    int32_t count, addends;
    xn_micro_sum sum;
} xn_add_n_params;

// a: arrays of count values. The output may take the place of any of them.
XN_KERNEL void xn_add_n(const xn_addends *a, int8_t *out, const xn_add_n_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        int32_t sum = 0;
        for (int32_t k = 0; k < p->addends; k++) {
            sum += a->in[k][i] - p->sum.zero;
        }
        out[i] = xn_micro_sum_output(sum, &p->sum);
    }
}
