// Functions of one float: RELU and its kin, LEAKY_RELU, HARD_SWISH, LOGISTIC, TANH. The input may
// be overwritten. (Those of one 8-bit value are tables.)
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"

enum xn_unary {
    XN_RELU = 0, // clamp to [low, high]
    XN_LEAKY_RELU = 1,
    XN_HARD_SWISH = 2,
    XN_LOGISTIC = 3,
    XN_TANH = 4,
};

typedef struct xn_unary_f32_params {
    int32_t function; // enum xn_unary
    int32_t count;
    float low, high; // of XN_RELU
    float alpha;     // of XN_LEAKY_RELU
} xn_unary_f32_params;

XN_INLINE float unary(float x, const xn_unary_f32_params *p) {
    switch (p->function) {
    case XN_LEAKY_RELU:
        return x > 0.0f ? x : x * p->alpha;
    case XN_HARD_SWISH:
        return x * xn_clampf(x + 3.0f, 0.0f, 6.0f) / 6.0f;
    case XN_LOGISTIC:
        return xn_logisticf(x);
    case XN_TANH:
        return xn_tanhf(x);
    default:
        return xn_clampf(x, p->low, p->high);
    }
}

XN_KERNEL void xn_unary_f32(const float *in, float *out, const xn_unary_f32_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = unary(in[i], p);
    }
}
