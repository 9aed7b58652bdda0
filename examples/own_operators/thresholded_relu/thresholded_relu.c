#include "ops/_shared/xn_kernel.h"

typedef struct thresholded_relu_params {
    int32_t count;
    float theta;
} thresholded_relu_params;

XN_KERNEL void thresholded_relu(const float *in, float *out, const thresholded_relu_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = in[i] > p->theta ? in[i] : 0.0f;
    }
}
