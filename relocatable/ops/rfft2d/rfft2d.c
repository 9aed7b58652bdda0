// RFFT2D in double precision, and COMPLEX_ABS.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"

typedef struct xn_rfft2d_params {
    int32_t outer, in_h, in_w;
    int32_t h, w; // of the transform: powers of two, w >= 2
    int32_t most; // the larger one
} xn_rfft2d_params;

typedef struct xn_rfft2d_value {
    double re, im;
} xn_rfft2d_value;

static inline xn_rfft2d_value xn_rfft2d_multiply(xn_rfft2d_value a, xn_rfft2d_value b) {
    xn_rfft2d_value y = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    return y;
}

// Transforms `count` values that are `step` apart. turns: roots of unity of the order most.
static __attribute__((noinline, unused)) void xn_rfft2d_line(xn_rfft2d_value *x, int32_t count,
                                                             int32_t step,
                                                             const xn_rfft2d_value *turns,
                                                             int32_t most) {
    for (int32_t i = 1, j = 0; i < count; i++) { // j: i with its bits in reverse
        int32_t bit = count / 2;
        for (; j & bit; bit /= 2) {
            j -= bit;
        }
        j += bit;
        if (i < j) {
            xn_rfft2d_value kept = x[i * step];
            x[i * step] = x[j * step];
            x[j * step] = kept;
        }
    }
    for (int32_t half = 1; half < count; half *= 2) {
        for (int32_t k = 0; k < half; k++) {
            xn_rfft2d_value turn = turns[k * (most / (2 * half))];
            for (int32_t at = k; at < count; at += 2 * half) {
                xn_rfft2d_value *low = x + at * step, *high = low + half * step;
                xn_rfft2d_value y = xn_rfft2d_multiply(*high, turn);
                high->re = low->re - y.re;
                high->im = low->im - y.im;
                low->re += y.re;
                low->im += y.im;
            }
        }
    }
}

// Transforms a row of w real values, which lie as w / 2 complex ones, to w / 2 + 1.
static inline void xn_rfft2d_row(xn_rfft2d_value *x, const xn_rfft2d_value *turns,
                                 const xn_rfft2d_params *p) {
    int32_t half = p->w / 2;
    xn_rfft2d_line(x, half, 1, turns, p->most);
    x[half].re = x[0].re - x[0].im;
    x[0].re += x[0].im;
    x[0].im = x[half].im = 0.0;
    for (int32_t k = 1; k <= half / 2; k++) {
        xn_rfft2d_value a = x[k], b = x[half - k];
        xn_rfft2d_value even = {(a.re + b.re) / 2, (a.im - b.im) / 2};
        xn_rfft2d_value odd = {(a.im + b.im) / 2, (b.re - a.re) / 2};
        odd = xn_rfft2d_multiply(odd, turns[k * (p->most / p->w)]);
        x[k].re = even.re + odd.re;
        x[k].im = even.im + odd.im;
        x[half - k].re = even.re - odd.re;
        x[half - k].im = odd.im - even.im;
    }
}

// in: float [outer, in_h, in_w], cut or padded by 0 to [h, w]; turns: double [most / 2, 2]; work:
// double [h, w / 2 + 1, 2]; out: float [outer, h, w / 2 + 1, 2].
XN_KERNEL void xn_rfft2d(const float *in, const double *turns, double *work, float *out,
                         const xn_rfft2d_params *p) {
    const xn_rfft2d_value *roots = (const xn_rfft2d_value *)turns;
    xn_rfft2d_value *x = (xn_rfft2d_value *)work;
    int32_t columns = p->w / 2 + 1;
    for (int32_t o = 0; o < p->outer; o++, in += p->in_h * p->in_w) {
        for (int32_t y = 0; y < p->h; y++) {
            double *row = work + 2 * y * columns;
            for (int32_t i = 0; i < p->w; i++) {
                row[i] = y < p->in_h && i < p->in_w ? (double)in[y * p->in_w + i] : 0.0;
            }
            xn_rfft2d_row(x + y * columns, roots, p);
        }
        for (int32_t i = 0; i < columns; i++) {
            xn_rfft2d_line(x + i, p->h, columns, roots, p->most);
        }
        for (int32_t i = 0; i < 2 * p->h * columns; i++) {
            *out++ = (float)work[i];
        }
    }
}

typedef struct xn_complex_abs_params {
    int32_t count;
} xn_complex_abs_params;

// in: float [count, 2]; out: float [count].
XN_KERNEL void xn_complex_abs(const float *in, float *out, const xn_complex_abs_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        float a = xn_absf(in[2 * i]), b = xn_absf(in[2 * i + 1]);
        float large = a > b ? a : b, ratio = a > b ? b / a : a / b;
        // 0 / 0, and infinity / infinity.
        out[i] =
            large == 0.0f || large * 0.5f == large ? large : large * xn_sqrtf(1.0f + ratio * ratio);
    }
}
