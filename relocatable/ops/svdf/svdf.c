// SVDF: a filter of rank `rank` over the last `memory` inputs. The state holds, for each batch and
// filter, what the filter made of them, oldest first.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

#ifndef XN_SVDF_DOT
#define XN_SVDF_DOT xn_svdf_dot
static inline int32_t xn_svdf_dot(const int8_t *x, const int8_t *w, int32_t n) {
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)x[i] * w[i];
    }
    return sum;
}
#endif

typedef struct {
    int32_t batch, in_c, filters, rank, memory;
    int32_t multiplier[2], shift[2]; // input to state, state to output
    int32_t state_zero, zero;
} XN_NAME(xn_svdf_params);

// in: int8 [batch, in_c]; feature: int8 [filters, in_c]; time: T [filters, memory]; first:
// int32 [filters], bias: int32 [filters / rank]; state: T [batch, filters, memory]; out: int8
// [batch, filters / rank].
XN_KERNEL void XN_NAME(xn_svdf)(const int8_t *in, const int8_t *feature, const XN_T *time,
                                const int32_t *first, const int32_t *bias, XN_T *state, int8_t *out,
                                const XN_NAME(xn_svdf_params) * p) {
    for (int32_t b = 0; b < p->batch; b++, in += p->in_c) {
        for (int32_t unit = 0; unit < p->filters / p->rank; unit++) {
            int32_t sum = bias[unit];
            for (int32_t f = unit * p->rank; f < (unit + 1) * p->rank; f++, state += p->memory) {
                int32_t dot = first[f] + XN_SVDF_DOT(in, feature + f * p->in_c, p->in_c);
                for (int32_t i = 1; i < p->memory; i++) {
                    state[i - 1] = state[i];
                }
                dot = xn_multiply_by_quantized_multiplier(dot, p->multiplier[0], p->shift[0]);
                state[p->memory - 1] = (XN_T)(xn_clamp(dot, XN_T_MIN, XN_T_MAX) + p->state_zero);
                for (int32_t i = 0; i < p->memory; i++) {
                    sum += (state[i] - p->state_zero) * time[f * p->memory + i];
                }
            }
            int32_t y = xn_multiply_by_quantized_multiplier(sum, p->multiplier[1], p->shift[1]);
            *out++ = (int8_t)xn_clamp(y + p->zero, INT8_MIN, INT8_MAX);
        }
    }
}
