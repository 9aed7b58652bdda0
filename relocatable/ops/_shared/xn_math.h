// Elementary functions in single precision: no tables, no libc, the same bits on every target (the
// unit is compiled with -ffp-contract=off). Each is within 2.5 ulp of the exact value.
#ifndef XN_MATH_H
#define XN_MATH_H

#include <stdint.h>

static inline uint32_t xn_float_bits(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float xn_bits_float(uint32_t bits) {
    float x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float xn_absf(float x) {
    return xn_bits_float(xn_float_bits(x) & 0x7FFFFFFFu);
}

// x * 2^n for n in [-252, 254], in two factors: subnormal results then round once.
static inline float xn_scale_by_power(float x, int32_t n) {
    int32_t half = n / 2;
    float a = xn_bits_float((uint32_t)(127 + half) << 23);
    float b = xn_bits_float((uint32_t)(127 + n - half) << 23);
    return x * a * b;
}

// e^r - 1 - r for |r| <= 0.35.
static inline float xn_exp_tail(float r) {
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return p * r * r;
}

// e^x; +inf above 88.73, 0 below -103.98, NaN for NaN.
static inline float xn_expf(float x) {
    if (!(x <= 88.72284f)) { // also NaN
        return x != x ? x : xn_bits_float(0x7F800000u);
    }
    if (x < -103.98f) {
        return 0.0f;
    }
    float t = x * 1.44269504f;
    int32_t n = (int32_t)(t < 0.0f ? t - 0.5f : t + 0.5f);
    // ln 2 in two parts: the first has few bits: n times it is exact.
    float r = x - (float)n * 0.693359375f;
    r = r + (float)n * 2.12194440e-4f;
    return xn_scale_by_power(1.0f + (r + xn_exp_tail(r)), n);
}

// e^x - 1 over e^x + 1 at twice x: odd, within [-1, 1].
static inline float xn_tanhf(float x) {
    float a = xn_absf(x);
    if (a < 0.625f) {
        float z = x * x;
        float p = -5.70498872745e-3f;
        p = p * z + 2.06390887954e-2f;
        p = p * z - 5.37397155531e-2f;
        p = p * z + 1.33314422036e-1f;
        p = p * z - 3.33332819422e-1f;
        return p * z * x + x;
    }
    if (x != x) {
        return x;
    }
    float y = a > 9.1f ? 1.0f : 1.0f - 2.0f / (xn_expf(a + a) + 1.0f);
    return x < 0.0f ? -y : y;
}

// 1 / (1 + e^-x).
static inline float xn_logisticf(float x) {
    if (x >= 0.0f) {
        return 1.0f / (1.0f + xn_expf(-x));
    }
    float e = xn_expf(x);
    return e / (1.0f + e);
}

#endif
