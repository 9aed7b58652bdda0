// The initial values of what a model keeps from run to run.
#include "ops/_shared/xn_kernel.h"

XN_KERNEL void xn_reset_fill(uint8_t *out, int32_t size, int32_t value) {
    for (int32_t i = 0; i < size; i++) {
        out[i] = (uint8_t)value;
    }
}

XN_KERNEL void xn_reset_copy(const uint8_t *in, uint8_t *out, int32_t size) {
    for (int32_t i = 0; i < size; i++) {
        out[i] = in[i];
    }
}
