// What layers SVDF of floats share.
#ifndef XN_SVDF_H
#define XN_SVDF_H

#include "ops/_shared/xn_kernel.h"

// Moves a filter's state on by one value; returns its sum by the time weights.
XN_INLINE float xn_svdf_push_f32(float *state, float value, const float *time, int32_t memory) {
    for (int32_t i = 1; i < memory; i++) {
        state[i - 1] = state[i];
    }
    state[memory - 1] = value;
    float sum = 0.0f;
    for (int32_t i = 0; i < memory; i++) {
        sum += state[i] * time[i];
    }
    return sum;
}

#endif
