// MEAN over any axes: two loops over what is kept around two over what is reduced.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

// One loop: count, and the distance of its elements in the input.
typedef struct xn_mean_loop {
    int32_t count, stride;
} xn_mean_loop;

typedef struct xn_mean_8_params {
    xn_mean_loop keep[2], reduce[2]; // in the order of the input's dimensions
    int32_t is_signed;
    int32_t in_zero_sum; // zero point times the number of values reduced
    int32_t out_zero;
    int32_t multiplier, shift; // the division is part of the scale
    int32_t low, high;         // clamp of the output
} xn_mean_8_params;

// in: int8 or uint8; out: the same type [keep[0].count, keep[1].count].
XN_KERNEL void xn_mean_8(const uint8_t *in, uint8_t *out, const xn_mean_8_params *p) {
    for (int32_t a = 0; a < p->keep[0].count; a++) {
        for (int32_t b = 0; b < p->keep[1].count; b++) {
            const uint8_t *x = in + a * p->keep[0].stride + b * p->keep[1].stride;
            int32_t sum = -p->in_zero_sum;
            for (int32_t c = 0; c < p->reduce[0].count; c++) {
                for (int32_t d = 0; d < p->reduce[1].count; d++) {
                    int32_t at = c * p->reduce[0].stride + d * p->reduce[1].stride;
                    sum += xn_load_8(x + at, p->is_signed);
                }
            }
            int32_t y = xn_scale_twice(sum, p->multiplier, p->shift) + p->out_zero;
            *out++ = (uint8_t)xn_clamp(y, p->low, p->high);
        }
    }
}

typedef struct xn_mean_f32_params {
    xn_mean_loop keep[2], reduce[2];
} xn_mean_f32_params;

// in: float; out: float [keep[0].count, keep[1].count].
XN_KERNEL void xn_mean_f32(const float *in, float *out, const xn_mean_f32_params *p) {
    float count = (float)(p->reduce[0].count * p->reduce[1].count);
    for (int32_t a = 0; a < p->keep[0].count; a++) {
        for (int32_t b = 0; b < p->keep[1].count; b++) {
            const float *x = in + a * p->keep[0].stride + b * p->keep[1].stride;
            float sum = 0.0f;
            for (int32_t c = 0; c < p->reduce[0].count; c++) {
                for (int32_t d = 0; d < p->reduce[1].count; d++) {
                    sum += x[c * p->reduce[0].stride + d * p->reduce[1].stride];
                }
            }
            *out++ = sum / count;
        }
    }
}
