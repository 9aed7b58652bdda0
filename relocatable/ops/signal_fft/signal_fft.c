// SignalRfft and SignalIrfft: transforms of real signals in the steps of KISS FFT. A signal is
// taken as complex values, half as many; all is done in the output's memory.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t outer, in_count;
    int32_t half; // complex values
    int32_t stages, is_inverse;
} XN_NAME(xn_signal_fft_params);

typedef struct {
    XN_T re, im;
} XN_NAME(xn_complex);

// The type of a product. Integers have all bits but one after the point.
#define XN_PRODUCT _Generic((XN_T)0, int16_t: (int32_t)0, int32_t: (int64_t)0, default: (XN_T)0)
typedef __typeof__(XN_PRODUCT) XN_NAME(xn_product);

static inline XN_T XN_NAME(xn_complex_round)(XN_NAME(xn_product) x) {
#if XN_IS_FLOAT
    return x;
#else
    const int32_t bits = 8 * (int32_t)sizeof(XN_T) - 1;
    return (XN_T)((x + ((int32_t)1 << (bits - 1))) >> bits);
#endif
}

static inline XN_T XN_NAME(xn_complex_half)(XN_WIDE x) {
#if XN_IS_FLOAT
    return x * 0.5f;
#else
    return (XN_T)(x >> 1);
#endif
}

static inline XN_T XN_NAME(xn_complex_part)(XN_T x, XN_T y) {
    return XN_NAME(xn_complex_round)((XN_NAME(xn_product))x * y);
}

static inline XN_NAME(xn_complex) XN_NAME(xn_complex_scale)(XN_NAME(xn_complex) a, XN_T factor) {
    XN_NAME(xn_complex)
    y = {XN_NAME(xn_complex_part)(a.re, factor), XN_NAME(xn_complex_part)(a.im, factor)};
    return y;
}

static inline XN_NAME(xn_complex) XN_NAME(xn_complex_divide)(XN_NAME(xn_complex) a, int32_t by) {
#if XN_IS_FLOAT
    (void)by;
    return a;
#else
    const uint32_t most = ((uint32_t)1 << (8 * sizeof(XN_T) - 1)) - 1;
    return XN_NAME(xn_complex_scale)(a, (XN_T)(most / (uint32_t)by));
#endif
}

static inline XN_NAME(xn_complex)
    XN_NAME(xn_complex_multiply)(XN_NAME(xn_complex) a, XN_NAME(xn_complex) b) {
    XN_NAME(xn_product) re = (XN_NAME(xn_product))a.re * b.re - (XN_NAME(xn_product))a.im * b.im;
    XN_NAME(xn_product) im = (XN_NAME(xn_product))a.re * b.im + (XN_NAME(xn_product))a.im * b.re;
    XN_NAME(xn_complex) y = {XN_NAME(xn_complex_round)(re), XN_NAME(xn_complex_round)(im)};
    return y;
}

static inline XN_NAME(xn_complex)
    XN_NAME(xn_complex_add)(XN_NAME(xn_complex) a, XN_NAME(xn_complex) b) {
    XN_NAME(xn_complex) y = {(XN_T)(a.re + b.re), (XN_T)(a.im + b.im)};
    return y;
}

static inline XN_NAME(xn_complex)
    XN_NAME(xn_complex_subtract)(XN_NAME(xn_complex) a, XN_NAME(xn_complex) b) {
    XN_NAME(xn_complex) y = {(XN_T)(a.re - b.re), (XN_T)(a.im - b.im)};
    return y;
}

// The product with -i.
static inline XN_NAME(xn_complex) XN_NAME(xn_complex_turn)(XN_NAME(xn_complex) a) {
    XN_NAME(xn_complex) y = {a.im, (XN_T)-a.re};
    return y;
}

static inline XN_NAME(xn_complex) XN_NAME(xn_complex_conjugate)(XN_NAME(xn_complex) a) {
    XN_NAME(xn_complex) y = {a.re, (XN_T)-a.im};
    return y;
}

#define XN_ADD XN_NAME(xn_complex_add)
#define XN_SUBTRACT XN_NAME(xn_complex_subtract)
#define XN_SHRINK XN_NAME(xn_complex_scale)
#define XN_TURN XN_NAME(xn_complex_turn)

// Joins values of `radix` transforms, which are `step` apart. roots: the first roots of the radix.
static inline void XN_NAME(xn_complex_join)(const XN_NAME(xn_complex) * x, XN_NAME(xn_complex) * y,
                                            int32_t step, int32_t radix,
                                            const XN_NAME(xn_complex) * roots, int32_t is_inverse) {
    if (radix == 2) {
        y[0] = XN_ADD(x[0], x[1]);
        y[step] = XN_SUBTRACT(x[0], x[1]);
    } else if (radix == 3) {
        XN_NAME(xn_complex) both = XN_ADD(x[1], x[2]), middle = x[0];
        XN_NAME(xn_complex)
        apart = XN_TURN(XN_SHRINK(XN_SUBTRACT(x[1], x[2]), roots[0].im));
        middle.re = (XN_T)(middle.re - XN_NAME(xn_complex_half)(both.re));
        middle.im = (XN_T)(middle.im - XN_NAME(xn_complex_half)(both.im));
        y[0] = XN_ADD(x[0], both);
        y[step] = XN_SUBTRACT(middle, apart);
        y[2 * step] = XN_ADD(middle, apart);
    } else if (radix == 4) {
        XN_NAME(xn_complex) even = XN_ADD(x[0], x[2]), between = XN_SUBTRACT(x[0], x[2]);
        XN_NAME(xn_complex) odd = XN_ADD(x[1], x[3]), turned = XN_TURN(XN_SUBTRACT(x[1], x[3]));
        y[0] = XN_ADD(even, odd);
        y[2 * step] = XN_SUBTRACT(even, odd);
        y[step] = is_inverse ? XN_SUBTRACT(between, turned) : XN_ADD(between, turned);
        y[3 * step] = is_inverse ? XN_ADD(between, turned) : XN_SUBTRACT(between, turned);
    } else {
        XN_NAME(xn_complex) outer = XN_ADD(x[1], x[4]), outer_apart = XN_SUBTRACT(x[1], x[4]);
        XN_NAME(xn_complex) inner = XN_ADD(x[2], x[3]), inner_apart = XN_SUBTRACT(x[2], x[3]);
        XN_NAME(xn_complex) a = roots[0], b = roots[1];
        XN_NAME(xn_complex)
        near = XN_ADD(XN_ADD(x[0], XN_SHRINK(outer, a.re)), XN_SHRINK(inner, b.re)),
        far = XN_ADD(XN_ADD(x[0], XN_SHRINK(outer, b.re)), XN_SHRINK(inner, a.re)),
        near_apart = XN_TURN(XN_ADD(XN_SHRINK(outer_apart, a.im), XN_SHRINK(inner_apart, b.im))),
        far_apart =
            XN_TURN(XN_SUBTRACT(XN_SHRINK(inner_apart, a.im), XN_SHRINK(outer_apart, b.im)));
        y[0] = XN_ADD(x[0], XN_ADD(outer, inner));
        y[step] = XN_SUBTRACT(near, near_apart);
        y[2 * step] = XN_ADD(far, far_apart);
        y[3 * step] = XN_SUBTRACT(far, far_apart);
        y[4 * step] = XN_ADD(near, near_apart);
    }
}

// Transforms complex values where they are; radixes: of the stages, smallest transforms first.
static inline void XN_NAME(xn_complex_transform)(XN_NAME(xn_complex) * y, const uint8_t *radixes,
                                                 const XN_NAME(xn_complex) * turns,
                                                 const XN_NAME(xn_signal_fft_params) * p) {
    int32_t count = 1; // values of each transform that is joined
    for (int32_t stage = 0; stage < p->stages; stage++) {
        int32_t radix = radixes[stage], stride = p->half / (radix * count);
        XN_NAME(xn_complex) x[5], roots[2];
        roots[0] = turns[p->half / radix];
        roots[1] = turns[radix > 2 ? p->half / radix * 2 : 0];
        for (int32_t at = 0; at < p->half; at += radix * count) {
            for (int32_t i = 0; i < count; i++) {
                for (int32_t k = 0; k < radix; k++) {
                    x[k] = XN_NAME(xn_complex_divide)(y[at + i + k * count], radix);
                    if (k > 0) {
                        x[k] = XN_NAME(xn_complex_multiply)(x[k], turns[i * stride * k]);
                    }
                }
                XN_NAME(xn_complex_join)(x, y + at + i, count, radix, roots, p->is_inverse);
            }
        }
        count *= radix;
    }
}

// in: T [outer, in_count], padded by 0; places: uint16 [half]; turns: T [half, 2]; half_turns: T
// [half / 2, 2]; out: T [outer, half + 1, 2].
XN_KERNEL void XN_NAME(xn_signal_rfft)(const XN_T *in, const uint16_t *places,
                                       const uint8_t *radixes, const XN_T *turns,
                                       const XN_T *half_turns, XN_T *out,
                                       const XN_NAME(xn_signal_fft_params) * p) {
    const XN_NAME(xn_complex) *factors = (const XN_NAME(xn_complex) *)half_turns;
    XN_NAME(xn_complex) *y = (XN_NAME(xn_complex) *)out;
    for (int32_t o = 0; o < p->outer; o++, in += p->in_count, y += p->half + 1) {
        for (int32_t i = 0; i < p->half; i++) {
            y[places[i]].re = 2 * i < p->in_count ? in[2 * i] : 0;
            y[places[i]].im = 2 * i + 1 < p->in_count ? in[2 * i + 1] : 0;
        }
        XN_NAME(xn_complex_transform)(y, radixes, (const XN_NAME(xn_complex) *)turns, p);
        XN_NAME(xn_complex) ends = XN_NAME(xn_complex_divide)(y[0], 2);
        y[0].re = (XN_T)(ends.re + ends.im);
        y[p->half].re = (XN_T)(ends.re - ends.im);
        y[0].im = y[p->half].im = 0;
        for (int32_t i = 1; i <= p->half / 2; i++) {
            XN_NAME(xn_complex) *low = y + i, *high = y + p->half - i;
            XN_NAME(xn_complex) one = XN_NAME(xn_complex_divide)(*low, 2);
            XN_NAME(xn_complex) other = XN_NAME(xn_complex_conjugate)(*high);
            other = XN_NAME(xn_complex_divide)(other, 2);
            XN_NAME(xn_complex) even = XN_ADD(one, other);
            XN_NAME(xn_complex) odd = XN_SUBTRACT(one, other);
            odd = XN_NAME(xn_complex_multiply)(odd, factors[i - 1]);
            low->re = XN_NAME(xn_complex_half)(even.re + odd.re);
            low->im = XN_NAME(xn_complex_half)(even.im + odd.im);
            high->re = XN_NAME(xn_complex_half)(even.re - odd.re);
            high->im = XN_NAME(xn_complex_half)(odd.im - even.im);
        }
    }
}

// in: T [outer, half + 1, 2]; out: T [outer, 2 * half]; the rest as above.
XN_KERNEL void XN_NAME(xn_signal_irfft)(const XN_T *in, const uint16_t *places,
                                        const uint8_t *radixes, const XN_T *turns,
                                        const XN_T *half_turns, XN_T *out,
                                        const XN_NAME(xn_signal_fft_params) * p) {
    const XN_NAME(xn_complex) *factors = (const XN_NAME(xn_complex) *)half_turns;
    const XN_NAME(xn_complex) *x = (const XN_NAME(xn_complex) *)in;
    XN_NAME(xn_complex) *y = (XN_NAME(xn_complex) *)out;
    for (int32_t o = 0; o < p->outer; o++, x += p->half + 1, y += p->half) {
        XN_NAME(xn_complex)
        ends = {(XN_T)(x[0].re + x[p->half].re), (XN_T)(x[0].re - x[p->half].re)};
        y[places[0]] = XN_NAME(xn_complex_divide)(ends, 2);
        for (int32_t i = 1; i <= p->half / 2; i++) {
            XN_NAME(xn_complex) one = XN_NAME(xn_complex_divide)(x[i], 2);
            XN_NAME(xn_complex) other = XN_NAME(xn_complex_conjugate)(x[p->half - i]);
            other = XN_NAME(xn_complex_divide)(other, 2);
            XN_NAME(xn_complex) even = XN_ADD(one, other);
            XN_NAME(xn_complex) odd = XN_SUBTRACT(one, other);
            odd = XN_NAME(xn_complex_multiply)(odd, factors[i - 1]);
            y[places[i]] = XN_ADD(even, odd);
            other = XN_SUBTRACT(even, odd);
            y[places[p->half - i]] = XN_NAME(xn_complex_conjugate)(other);
        }
        XN_NAME(xn_complex_transform)(y, radixes, (const XN_NAME(xn_complex) *)turns, p);
#if XN_IS_FLOAT
        for (int32_t i = 0; i < p->half; i++) {
            y[i].re /= (float)(2 * p->half);
            y[i].im /= (float)(2 * p->half);
        }
#endif
    }
}

#undef XN_PRODUCT
#undef XN_ADD
#undef XN_SUBTRACT
#undef XN_SHRINK
#undef XN_TURN
