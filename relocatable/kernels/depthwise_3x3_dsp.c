// DEPTHWISE_CONV_2D by windows of 3x3 for the DSP extension, four channels of the input at a time.
//
// Each two rows that a window covers are laid out as pairs of 16-bit values, times 256 (the unit of
// the sums, see xn_dsp.h): one word holds a column's upper and lower value. Of two such pairs of
// rows come one or, with stride 1, two rows of the output; the lower pair is the next one's upper.
#include "kernels/xn_dsp.h"
#include "kernels/xn_kernel.h"

typedef struct xn_depthwise_3x3_dsp_params {
    xn_window window; // dilation 1, stride_h 1 or 2
    int32_t in_c;
    int32_t multiplier; // output channels of one input channel
    int32_t columns;    // all that windows cover
    int32_t in_zero;
    xn_dsp_scaling scaling;
} xn_depthwise_3x3_dsp_params;

// Four channels of a column: upper and lower values into every second word.
static inline void depthwise_3x3_put(uint32_t upper, uint32_t lower, uint32_t *to) {
    uint32_t low = (upper & 0xFFFFu) | lower << 16;
    uint32_t high = upper >> 16 | (lower & 0xFFFF0000u);
    to[0] = low << 8 & 0xFF00FF00u;
    to[2] = low & 0xFF00FF00u;
    to[4] = high << 8 & 0xFF00FF00u;
    to[6] = high & 0xFF00FF00u;
}

// Rows y and y + 1 of the image; `in` is the first of the channels.
XN_INLINE void depthwise_3x3_fetch(const int8_t *in, int32_t y, int32_t channels, uint32_t *to,
                                   const xn_depthwise_3x3_dsp_params *p) {
    const xn_window *win = &p->window;
    const uint32_t zeros = ((uint32_t)p->in_zero & 0xFFu) * 0x01010101u;
    const int8_t *rows[2];
    int32_t steps[2];
    for (int32_t k = 0; k < 2; k++) {
        int32_t is_inside = y + k >= 0 && y + k < win->in_h;
        rows[k] = is_inside ? in + (y + k) * win->in_w * p->in_c : (const int8_t *)&zeros;
        steps[k] = is_inside ? p->in_c : 0;
    }
    int32_t left = xn_min(win->pad_left, p->columns);
    int32_t right = xn_min(left + win->in_w, p->columns);
#pragma clang loop unroll(disable)
    for (int32_t x = left; x < right; x++) {
        depthwise_3x3_put(xn_load_some(rows[0], channels), xn_load_some(rows[1], channels),
                          to + 8 * x);
        rows[0] += steps[0];
        rows[1] += steps[1];
    }
}

// The columns left and right of the image, of both pairs of rows.
XN_INLINE void depthwise_3x3_fill(uint32_t *to, const xn_depthwise_3x3_dsp_params *p) {
    const xn_window *win = &p->window;
    const uint32_t zeros = ((uint32_t)p->in_zero & 0xFFu) * 0x01000100u;
#pragma clang loop unroll(disable)
    for (int32_t x = 0; x < p->columns; x++) {
        for (int32_t k = 0; k < 8 && (x < win->pad_left || x >= win->pad_left + win->in_w); k++) {
            to[8 * x + k] = zeros;
        }
    }
}

// A column's part of the sums of one output or of two below each other. Its weights are the pairs
// (upper, middle) and (middle, lower).
#define DEPTHWISE_3X3_ONE(FROM, UPPER, LOWER, A, B)                                                \
    "ldrd %[x0], %[x1], " FROM "\n"                                                                \
    "smlad %[s0], %[" UPPER "], %[" A "], %[s0]\n"                                                 \
    "smlabt %[s0], %[" LOWER "], %[" B "], %[s0]\n"
#define DEPTHWISE_3X3_TWO(FROM, UPPER, LOWER, A, B)                                                \
    DEPTHWISE_3X3_ONE(FROM, UPPER, LOWER, A, B)                                                    \
    "smlatb %[s1], %[" UPPER "], %[" A "], %[s1]\n"                                                \
    "smlad %[s1], %[" LOWER "], %[" B "], %[s1]\n"
#define DEPTHWISE_3X3_RUN(COLUMN, UPPER, LOWER)                                                    \
    __asm__ volatile(                                                                              \
        "vmov %[s0], %[start]\n"                                                                   \
        "mov %[s1], %[s0]\n" COLUMN("[%[from]], #32", UPPER, LOWER, "a0", "b0")                    \
            COLUMN("[%[from]]", UPPER, LOWER, "a1", "b1")                                          \
                COLUMN("[%[from], #32]", UPPER, LOWER, "a2", "b2")                                 \
        : [from] "+r"(from), [s0] "=&r"(s0), [s1] "=&r"(s1), [x0] "=&r"(x0), [x1] "=&r"(x1)        \
        : [start] "t"(start), [a0] "r"(a[0]), [a1] "r"(a[1]), [a2] "r"(a[2]), [b0] "r"(b[0]),      \
          [b1] "r"(b[1]), [b2] "r"(b[2])                                                           \
        : "memory")

// A channel of one or two rows of the output; `odd`: the upper pair of rows is the second one. The
// channel's weights take six registers, so its other constants wait in the FPU.
XN_INLINE void depthwise_3x3_rows(const uint32_t *from, const uint32_t *filter, int32_t rows,
                                  int32_t odd, int8_t *out, const xn_depthwise_3x3_dsp_params *p) {
    const xn_window *win = &p->window;
    int32_t out_c = p->in_c * p->multiplier;
    xn_dsp_factor factor = xn_dsp_factor_of(filter + 4, 1, 0, &p->scaling);
    float start = xn_keep(filter[0]);
    float multiplier = xn_keep((uint32_t)factor.multiplier);
    float last = xn_keep((uint32_t)factor.last);
    uint32_t a[3], b[3], x0, x1;
    for (int32_t k = 0; k < 3; k++) {
        a[k] = xn_even_bytes(filter[1 + k]);
        b[k] = xn_odd_bytes(filter[1 + k]);
    }
#pragma clang loop unroll(disable)
    for (int32_t left = win->out_w; left > 0; left--) {
        int32_t s0, s1;
        if (rows == 1 && odd) {
            DEPTHWISE_3X3_RUN(DEPTHWISE_3X3_ONE, "x1", "x0");
        } else if (rows == 1) {
            DEPTHWISE_3X3_RUN(DEPTHWISE_3X3_ONE, "x0", "x1");
        } else if (odd) {
            DEPTHWISE_3X3_RUN(DEPTHWISE_3X3_TWO, "x1", "x0");
        } else {
            DEPTHWISE_3X3_RUN(DEPTHWISE_3X3_TWO, "x0", "x1");
        }
        from += 8 * (win->stride_w - 1);
        factor.multiplier = xn_kept(multiplier);
        factor.last = xn_kept(last);
        out[0] = (int8_t)xn_dsp_scale(s0, factor, &p->scaling);
        if (rows == 2) {
            out[win->out_w * out_c] = (int8_t)xn_dsp_scale(s1, factor, &p->scaling);
        }
        out += out_c;
    }
}

// The same, made anew for each of the four ways.
XN_INLINE void depthwise_3x3_any_rows(const uint32_t *from, const uint32_t *filter, int32_t rows,
                                      int32_t odd, int8_t *out,
                                      const xn_depthwise_3x3_dsp_params *p) {
    if (rows == 2 && odd) {
        depthwise_3x3_rows(from, filter, 2, 1, out, p);
    } else if (rows == 2) {
        depthwise_3x3_rows(from, filter, 2, 0, out, p);
    } else if (odd) {
        depthwise_3x3_rows(from, filter, 1, 1, out, p);
    } else {
        depthwise_3x3_rows(from, filter, 1, 0, out, p);
    }
}

// in: int8 [in_h, in_w, in_c]; filter: stream of single channels, for each column a word of the
// weights (upper, middle, middle, lower); pairs: scratch of 32 * columns bytes; out: int8 [out_h,
// out_w, out_c], which may begin where the input does if out_c == in_c and out_w <= in_w.
XN_KERNEL void xn_depthwise_3x3_dsp(const int8_t *in, const uint32_t *filter, uint32_t *pairs,
                                    int8_t *out, const xn_depthwise_3x3_dsp_params *p) {
    const xn_window *win = &p->window;
    int32_t step = 3 - win->stride_h, size = win->out_w * p->in_c * p->multiplier;
    int32_t words = 4 + 2 * p->scaling.step;
    depthwise_3x3_fill(pairs, p);
    for (int32_t first = 0; first < p->in_c; first += 4, out += 4 * p->multiplier) {
        int32_t channels = p->in_c % 4 == 0 ? 4 : xn_min(4, p->in_c - first);
        int32_t next = 0; // pair of rows, counted with the padding, that is not there yet
        for (int32_t y = 0; y < win->out_h; y += step) {
            int32_t upper = y * win->stride_h / 2;
#pragma clang loop unroll(disable)
            for (; next < upper + 2; next++) {
                depthwise_3x3_fetch(in + first, 2 * next - win->pad_top, channels, pairs + next % 2,
                                    p);
            }
            int32_t rows = win->out_h % step == 0 ? step : xn_min(step, win->out_h - y);
#pragma clang loop unroll(disable)
            for (int32_t k = 0; k < channels * p->multiplier; k++) {
                depthwise_3x3_any_rows(pairs + 2 * (k / p->multiplier), filter + k * words, rows,
                                       upper % 2, out + y * size + k, p);
            }
        }
        filter += channels * p->multiplier * words;
    }
}
