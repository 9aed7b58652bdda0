// Layers of float32 with int8 weights: their inputs are quantised at run time, as LiteRT does it.
#ifndef XN_HYBRID_H
#define XN_HYBRID_H

#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_scale.h"

// real = scale * (q - zero)
typedef struct xn_quantized {
    float scale;
    int32_t zero;
} xn_quantized;

// Tables of a layer, by output channel. `scale` has one entry for all channels if the step is 0;
// `sums` are those of each channel's weights, which only inputs with a zero point need.
typedef struct xn_hybrid_tables {
    const float *scale, *bias;
    const int32_t *sums;
} xn_hybrid_tables;

typedef struct xn_hybrid {
    int32_t is_asymmetric;
    int32_t step;
    int32_t is_apart; // multiplies by the two scales one after the other
    float low, high;
} xn_hybrid;

// Finds scale and zero point of values from `low` to `high`, both with 0 between them.
static inline xn_quantized xn_asymmetric_scale(float low, float high) {
    double scale = (double)(high - low) / 255.0;
    double from_low = (double)low / scale, from_high = (double)high / scale;
    double low_error = 128.0 + (from_low < 0 ? -from_low : from_low);
    double high_error = 127.0 + (from_high < 0 ? -from_high : from_high);
    double zero = low_error < high_error ? -128.0 - from_low : 127.0 - from_high;
    int32_t nearest = zero > -128.0 ? zero < 127.0 ? xn_round_double(zero) : 127 : -128;
    xn_quantized found = {(float)scale, nearest};
    return found;
}

// Quantises n > 0 values. Halves go away from zero; so does the one float below a half.
static __attribute__((noinline, unused)) xn_quantized xn_quantize_values(const float *x, int32_t n,
                                                                         int32_t is_asymmetric,
                                                                         int8_t *to) {
    float low = 0.0f, high = 0.0f;
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    float range = -low > high ? -low : high, inverse = 0.0f;
    xn_quantized found = {1.0f, 0};
    if (range > 0.0f) {
        if (is_asymmetric) {
            found = xn_asymmetric_scale(low, high);
            inverse = found.scale > 0.0f ? 1.0f / found.scale : 0.0f;
        } else {
            found.scale = range / 127.0f;
            inverse = 127.0f / range;
        }
    }
    int32_t least = is_asymmetric ? -128 : -127;
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < n; i++) {
        float y = x[i] * inverse;
        y = y < 0.0f ? y - 0.5f : y + 0.5f;
        y = y < 256.0f ? y : 256.0f; // also NaN
        y = y > -256.0f ? y : -256.0f;
        to[i] = (int8_t)xn_clamp((int32_t)y + found.zero, least, 127);
    }
    return found;
}

// The output of channel c; `sum` is that of the products of quantised values with weights.
XN_INLINE float xn_hybrid_output(int32_t sum, int32_t c, xn_quantized x, const xn_hybrid_tables *t,
                                 const xn_hybrid *p) {
    float real = (float)(p->is_asymmetric ? sum - x.zero * t->sums[c] : sum);
    float scale = t->scale[c * p->step];
    float y = p->is_apart ? real * scale * x.scale : real * (scale * x.scale);
    return xn_clampf(y + t->bias[c], p->low, p->high);
}

// The sum of n products, in plain C.
static inline int32_t xn_hybrid_dot(const int8_t *x, const int8_t *w, int32_t n) {
    int32_t sum = 0;
#pragma clang loop unroll_count(4)
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)x[i] * w[i];
    }
    return sum;
}

#endif
