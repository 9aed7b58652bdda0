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

// log x; -inf for 0, NaN below.
static inline float xn_logf(float x) {
    if (!(x > 0.0f) || x > 3.4028235e38f) {
        return x == 0.0f ? -1.0f / xn_absf(x) : x > 0.0f ? x : x + xn_bits_float(0x7FC00000u);
    }
    int32_t n = 0;
    if (x < 1.17549435e-38f) {
        x *= 8388608.0f;
        n = -23;
    }
    // x = 2^n * (1 + f), 1 + f in [0.707, 1.414).
    uint32_t bits = xn_float_bits(x) + (0x3F800000u - 0x3F3504F3u);
    n += (int32_t)(bits >> 23) - 127;
    float f = xn_bits_float((bits & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
    float s = f / (2.0f + f), z = s * s, half = 0.5f * f * f;
    float p = z * (0.66666666f + z * (0.40000972f + z * (0.28498787f + z * 0.24279079f)));
    // ln 2 in two parts, as in xn_expf.
    float low = s * (half + p) - (float)n * 2.12194440e-4f;
    return (float)n * 0.693359375f - ((half - low) - f);
}

// e^x - 1.
static inline float xn_expm1f(float x) {
    return xn_absf(x) < 0.35f ? x + xn_exp_tail(x) : xn_expf(x) - 1.0f;
}

// The square root, exactly rounded; NaN below 0.
static inline float xn_sqrtf(float x) {
    if (!(x > 0.0f) || x > 3.4028235e38f) {
        return x < 0.0f ? xn_bits_float(0x7FC00000u) : x;
    }
    uint32_t bits = xn_float_bits(x), rest = bits & 0x007FFFFFu;
    int32_t exponent = (int32_t)(bits >> 23);
    if (exponent == 0) {
        int32_t shift = __builtin_clz(rest) - 8;
        rest <<= shift;
        exponent = 1 - shift;
    } else {
        rest |= 0x00800000u;
    }
    rest <<= (exponent & 1) == 0 ? 2 : 1; // an even power of two is taken out
    uint32_t root = 0, twice = 0;
    for (uint32_t bit = 1u << 24; bit != 0; bit >>= 1, rest <<= 1) { // the last one rounds
        if (twice + bit <= rest) {
            rest -= twice + bit;
            twice += 2 * bit;
            root += bit;
        }
    }
    exponent = (exponent - 127 - ((exponent & 1) == 0 ? 1 : 0)) / 2;
    return xn_bits_float(((root + 1) >> 1) + ((uint32_t)(exponent + 126) << 23));
}

// x in quarter turns: the nearest whole number of them modulo 4, and what is left as an angle in
// [-pi/4, pi/4].
static inline float xn_quarter_turns(float x, uint32_t *quarters) {
    *quarters = 0;
    uint32_t bits = xn_float_bits(x) & 0x7FFFFFFFu;
    if (bits < 0x3F490FDBu) {
        return x;
    }
    // 32 zeros, then the bits of 2 / pi behind the point.
    static const uint32_t turns[8] = {0,           0xA2F9836Eu, 0x4E441529u, 0xFC2757D1u,
                                      0xF534DDC0u, 0xDB629599u, 0x3C439041u, 0xFE5163ABu};
    uint64_t mantissa = (bits & 0x007FFFFFu) | 0x00800000u;
    uint32_t at = (bits >> 23) - 127 + 7; // in bits; those before make whole turns
    const uint32_t *word = turns + at / 32;
    uint64_t product = 0;
    uint32_t part[3];
    for (int32_t i = 2; i >= 0; i--) {
        uint64_t pair = (uint64_t)word[i] << 32 | word[i + 1];
        product = (product >> 32) + mantissa * (uint32_t)(pair << at % 32 >> 32);
        part[i] = (uint32_t)product;
    }
    uint64_t turn = (uint64_t)part[0] << 32 | part[1];
    uint64_t nearest = (turn + (1ull << 61)) >> 62;
    float angle = (float)(int64_t)(turn - (nearest << 62)) * 3.4061215800304e-19f;
    *quarters = (uint32_t)(x < 0.0f ? 0 - nearest : nearest) & 3;
    return x < 0.0f ? -angle : angle;
}

static inline float xn_sine_of_quarters(float angle, uint32_t quarters) {
    float z = angle * angle, y;
    if (quarters & 1) {
        float p = 2.443315711809948e-5f;
        p = p * z - 1.388731625493765e-3f;
        p = p * z + 4.166664568298827e-2f;
        y = 1.0f - (0.5f * z - p * z * z);
    } else {
        float p = -1.9515295891e-4f;
        p = p * z + 8.3321608736e-3f;
        p = p * z - 1.6666654611e-1f;
        y = angle + angle * z * p;
    }
    return quarters & 2 ? -y : y;
}

// sin x; NaN for infinity.
static inline float xn_sinf(float x) {
    if (!(xn_absf(x) <= 3.4028235e38f)) {
        return x - x;
    }
    uint32_t quarters;
    float angle = xn_quarter_turns(x, &quarters);
    return xn_sine_of_quarters(angle, quarters);
}

// cos x; NaN for infinity.
static inline float xn_cosf(float x) {
    if (!(xn_absf(x) <= 3.4028235e38f)) {
        return x - x;
    }
    uint32_t quarters;
    float angle = xn_quarter_turns(x, &quarters);
    return xn_sine_of_quarters(angle, quarters + 1);
}

// The error function; within 2e-7.
static inline float xn_erff(float x) {
    float a = xn_absf(x);
    if (a < 1.0f) {
        float z = x * x;
        float p = 7.853861353153693e-5f;
        p = p * z - 8.010193625184903e-4f;
        p = p * z + 5.188327685732524e-3f;
        p = p * z - 2.685381193529856e-2f;
        p = p * z + 1.128358514861418e-1f;
        p = p * z - 3.761262582423300e-1f;
        return (p * z + 1.128379165726710f) * x;
    }
    if (x != x || a > 4.0f) {
        return x != x ? x : x < 0.0f ? -1.0f : 1.0f;
    }
    float q = 1.0f / a, z = q * q;
    float p = 2.326819970068386e-2f;
    p = p * z - 1.387039388740657e-1f;
    p = p * z + 3.687424674597105e-1f;
    p = p * z - 5.824733027278666e-1f;
    p = p * z + 6.210004621745983e-1f;
    p = p * z - 4.944515323274145e-1f;
    p = p * z + 3.404879937665872e-1f;
    p = p * z - 2.741127028184656e-1f;
    p = p * z + 5.638259427386472e-1f;
    float y = 1.0f - xn_expf(-x * x) * q * p;
    return x < 0.0f ? -y : y;
}

// The nearest whole number, halves to the even one; the largest not above, the smallest not below.
static inline float xn_roundf(float x) {
    float a = xn_absf(x);
    float y = a < 8388608.0f ? (a + 8388608.0f) - 8388608.0f : a;
    return xn_bits_float(xn_float_bits(y) | (xn_float_bits(x) & 0x80000000u));
}

static inline float xn_floorf(float x) {
    float y = xn_roundf(x);
    return y > x ? y - 1.0f : y;
}

static inline float xn_ceilf(float x) {
    float y = xn_roundf(x);
    return y < x ? y + 1.0f : y;
}

// log x for x in (0, inf), to 1e-11.
static inline double xn_log(float x) {
    int32_t n = 0;
    if (x < 1.17549435e-38f) {
        x *= 8388608.0f;
        n = -23;
    }
    uint32_t bits = xn_float_bits(x) + (0x3F800000u - 0x3F400000u);
    n += (int32_t)(bits >> 23) - 127;
    double m = (double)xn_bits_float((bits & 0x007FFFFFu) + 0x3F400000u);
    double s = (m - 1.0) / (m + 1.0), z = s * s;
    double p = 1.0 / 15;
    p = p * z + 1.0 / 13;
    p = p * z + 1.0 / 11;
    p = p * z + 1.0 / 9;
    p = p * z + 1.0 / 7;
    p = p * z + 1.0 / 5;
    p = p * z + 1.0 / 3;
    return (double)n * 0.6931471805599453 + 2.0 * (s + s * z * p);
}

// e^x for any x that is no NaN.
static inline float xn_exp_to_float(double x) {
    if (x > 89.0) {
        return xn_bits_float(0x7F800000u);
    }
    if (x < -104.0) {
        return 0.0f;
    }
    double t = x * 1.4426950408889634;
    int32_t n = (int32_t)(t < 0.0 ? t - 0.5 : t + 0.5);
    double r = x - (double)n * 0.6931471805599453;
    double p = 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    return xn_scale_by_power((float)(1.0 + r + p * r * r), n);
}

// x^y, with C's values for zero, infinity and NaN.
static inline float xn_powf(float x, float y) {
    if (y == 0.0f || x == 1.0f) {
        return 1.0f;
    }
    if (x != x || y != y) {
        return x + y;
    }
    float a = xn_absf(x), b = xn_absf(y);
    int is_whole = b >= 8388608.0f || xn_roundf(b) == b;
    int is_odd = b < 16777216.0f && is_whole && ((int32_t)b & 1);
    int is_negative = is_odd && (xn_float_bits(x) >> 31);
    float power;
    if (a == 0.0f || a > 3.4028235e38f) {
        power = (a == 0.0f) == (y > 0.0f) ? 0.0f : xn_bits_float(0x7F800000u);
    } else if (x < 0.0f && !is_whole) {
        return xn_bits_float(0x7FC00000u);
    } else if (a == 1.0f) {
        power = 1.0f;
    } else {
        power = xn_exp_to_float((double)y * xn_log(a));
    }
    return is_negative ? -power : power;
}

// What is left of x after whole times y, exact and of the sign of x; NaN for infinite x or y = 0.
static inline float xn_remainderf(float x, float y) {
    float a = xn_absf(x), b = xn_absf(y);
    if (!(a <= 3.4028235e38f) || b == 0.0f || y != y) {
        return xn_bits_float(0x7FC00000u);
    }
    while (a >= b) {
        // The largest of b, 2b, 4b .. that is not above a: what is left is exact.
        int32_t above = (int32_t)(xn_float_bits(a) >> 23) - (int32_t)(xn_float_bits(b) >> 23);
        float most = above > 1 ? xn_scale_by_power(b, above - 1) : b;
        while (a - most >= most) {
            most += most;
        }
        a -= most;
    }
    return x < 0.0f ? -a : a;
}

#endif
