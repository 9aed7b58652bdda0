// Scaling of sums to 8-bit or 16-bit values, bit by bit as LiteRT's reference kernels do it.
#ifndef XN_SCALE_H
#define XN_SCALE_H

#include <stdint.h>

// round(a * b / 2^31), halves upwards; b is not INT32_MIN.
static inline int32_t xn_saturating_doubling_high_mul(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

// round(x / 2^n), halves away from zero; n in [0, 31].
static inline int32_t xn_rounding_divide_by_pot(int32_t x, int32_t n) {
    int32_t mask = (int32_t)(((uint32_t)1 << n) - 1u);
    int32_t half = (int32_t)((uint32_t)mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> n) + ((x & mask) > half ? 1 : 0);
}

// x * multiplier / 2^31 * 2^shift, double rounding; multiplier >= 0, shift in [-31, 0].
static inline int32_t xn_multiply_by_smaller_than_one(int32_t x, int32_t multiplier,
                                                      int32_t shift) {
    return xn_rounding_divide_by_pot(xn_saturating_doubling_high_mul(x, multiplier), -shift);
}

// x * multiplier / 2^31 * 2^shift, double rounding; multiplier >= 0, shift in [-31, 30].
static inline int32_t xn_multiply_by_quantized_multiplier(int32_t x, int32_t multiplier,
                                                          int32_t shift) {
    int32_t left = shift > 0 ? shift : 0;
    int32_t right = shift > 0 ? 0 : -shift;
    return xn_rounding_divide_by_pot(
        xn_saturating_doubling_high_mul((int32_t)((uint32_t)x << left), multiplier), right);
}

// Values beyond are clamped to 8 bits anyway, and a zero point can be added without overflow.
#define XN_ROUND_MOST (1 << 30)

// round(x), halves away from zero, saturating.
static inline int32_t xn_round_double(double x) {
    if (x >= (double)XN_ROUND_MOST) {
        return XN_ROUND_MOST;
    }
    if (x <= -(double)XN_ROUND_MOST) {
        return -XN_ROUND_MOST;
    }
    int32_t whole = (int32_t)x;
    double rest = x - (double)whole;
    return rest >= 0.5 ? whole + 1 : rest <= -0.5 ? whole - 1 : whole;
}

// round(x), halves away from zero, saturating; NaN counts as the least.
static inline int32_t xn_round_float(float x) {
    if (x >= (float)XN_ROUND_MOST) {
        return XN_ROUND_MOST;
    }
    if (!(x > -(float)XN_ROUND_MOST)) {
        return -XN_ROUND_MOST;
    }
    int32_t whole = (int32_t)x;
    float rest = x - (float)whole;
    return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
}

// How the sums of a layer become outputs. All kinds give what LiteRT gives; the compiler takes the
// first that is proved to do so for every sum that can occur.
enum xn_scale_kind {
    // (sum * multiplier + round) >> shift; bias and zero point are part of round.
    XN_SCALE_AFFINE = 0,
    // As the next, for |sum + bias| < 2^30 and right shifts of at least 1.
    XN_SCALE_DOUBLE_ROUNDING_30 = 1,
    // xn_multiply_by_quantized_multiplier(sum + bias, multiplier, shift) + zero.
    XN_SCALE_DOUBLE_ROUNDING = 2,
    // xn_round_double((sum + bias) * real) + zero.
    XN_SCALE_SINGLE_ROUNDING = 3,
    // (sum * multiplier + round) >> shift, of 64-bit sums and a shift for each channel.
    XN_SCALE_WIDE_AFFINE = 4,
    // As SINGLE_ROUNDING, by xn_multiply_by_fraction: |sum + bias| < 2^31.
    XN_SCALE_SINGLE_ROUNDING_31 = 5,
};

// A layer's scaling, as constants of the step. Tables are indexed by channel; multiplier, shift and
// real have one entry for all channels if their step is 0.
typedef struct xn_scaling {
    int32_t kind; // enum xn_scale_kind
    int32_t step;
    int32_t shift; // of AFFINE and SINGLE_ROUNDING_31, for all channels
    int32_t zero;
    int32_t low, high; // clamp of the output
} xn_scaling;

typedef struct xn_scales {
    const int32_t *multiplier;
    const int64_t *round; // AFFINE; all kinds of 64-bit sums: those that round have it as bias
    const int32_t *bias;
    const int32_t *shift; // as LiteRT's, left is positive; _30: one less than the right shift;
                          // WIDE_AFFINE: right
    const double *real;   // SINGLE_ROUNDING_31: 64-bit numerators in its place
} xn_scales;

// The first rounding is that of the product's upper half; the second takes one from negative
// values, whose halves go down, and adds half by the last bit shifted out.
static inline int32_t xn_scale_double_rounding_30(int32_t x, int32_t multiplier, int32_t shift,
                                                  int32_t zero) {
    int32_t y = (int32_t)(((int64_t)(x * 2) * multiplier + ((int64_t)1 << 31)) >> 32);
    y += y >> 31;
    return ((y >> shift) + 1 + 2 * zero) >> 1;
}

static inline int32_t xn_scale(int32_t sum, int32_t channel, const xn_scales *s,
                               const xn_scaling *p) {
    int32_t i = channel * p->step;
    int32_t y;
    if (p->kind == XN_SCALE_AFFINE) {
        y = (int32_t)(((int64_t)sum * s->multiplier[i] + s->round[channel]) >> p->shift);
    } else if (p->kind == XN_SCALE_DOUBLE_ROUNDING_30) {
        y = xn_scale_double_rounding_30(sum + s->bias[channel], s->multiplier[i], s->shift[i],
                                        p->zero);
    } else if (p->kind == XN_SCALE_DOUBLE_ROUNDING) {
        y = xn_multiply_by_quantized_multiplier(sum + s->bias[channel], s->multiplier[i],
                                                s->shift[i]) +
            p->zero;
    } else {
        y = xn_round_double((double)(sum + s->bias[channel]) * s->real[i]) + p->zero;
    }
    return y < p->low ? p->low : y > p->high ? p->high : y;
}

// round(x * numerator / 2^(64 + shift)), halves away from zero; shift in [1, 31].
static inline int32_t xn_multiply_by_fraction(int32_t x, uint64_t numerator, int32_t shift) {
    uint32_t size = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
    uint32_t high = (uint32_t)(numerator >> 32), low = (uint32_t)numerator;
    uint32_t upper = (uint32_t)(((uint64_t)size * high + ((uint64_t)size * low >> 32)) >> 32);
    int32_t y = (int32_t)((upper + ((uint32_t)1 << (shift - 1))) >> shift);
    return x < 0 ? -y : y;
}

// A 64-bit sum, of the kinds DOUBLE_ROUNDING (the sum with its bias fits 32 bits), SINGLE_ROUNDING,
// SINGLE_ROUNDING_31 and WIDE_AFFINE; there is no zero point.
static inline int32_t xn_scale_wide(int64_t sum, int32_t channel, const xn_scales *s,
                                    const xn_scaling *p) {
    int32_t i = channel * p->step;
    int32_t y;
    if (p->kind == XN_SCALE_WIDE_AFFINE) {
        y = (int32_t)((sum * s->multiplier[i] + s->round[channel]) >> s->shift[i]);
    } else if (p->kind == XN_SCALE_SINGLE_ROUNDING) {
        y = xn_round_double((double)(sum + s->round[channel]) * s->real[i]);
    } else if (p->kind == XN_SCALE_SINGLE_ROUNDING_31) {
        y = xn_multiply_by_fraction((int32_t)(sum + s->round[channel]),
                                    ((const uint64_t *)s->real)[i], p->shift);
    } else {
        y = xn_multiply_by_quantized_multiplier((int32_t)(sum + s->round[channel]),
                                                s->multiplier[i], s->shift[i]);
    }
    return y < p->low ? p->low : y > p->high ? p->high : y;
}

// x * multiplier / 2^shift, halves upwards; multiplier in [0, 2^15), shift in [8, 46].
static inline int32_t xn_multiply_by_reduced_multiplier(int64_t x, int32_t multiplier,
                                                        int32_t shift) {
    return (int32_t)((x * multiplier + ((int64_t)1 << (shift - 1))) >> shift);
}

// The type of sums in a template by its inputs' type, and two ways to scale them.
#define XN_SUM __typeof__(_Generic((XN_T)0, int16_t: (int64_t)0, default: (int32_t)0))
#define XN_RESCALE(sum, ...)                                                                       \
    _Generic((XN_T)0,                                                                              \
        int16_t: xn_multiply_by_reduced_multiplier,                                                \
        default: xn_multiply_by_quantized_multiplier)(sum, __VA_ARGS__)
#define XN_SCALE(sum, ...)                                                                         \
    _Generic((XN_T)0, int16_t: xn_scale_wide, default: xn_scale)(sum, __VA_ARGS__)

// x * 2^n, at the ends of the type if it is beyond them.
static inline int32_t xn_saturating_shift_left(int32_t x, int32_t n) {
    int64_t wide = (int64_t)x * (1 << n);
    return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

#endif
