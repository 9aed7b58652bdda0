// CONV_2D for the DSP extension: two pixels by two output channels at a time.
//
// The windows of two pixels are laid out as 16-bit values ("columns"), once for all output
// channels: for each four values of a window, (0, 2) and (1, 3) of the first pixel, then of the
// second. That is the order in which SXTB16 takes four packed weights apart.
#include "kernels/xn_dsp.h"
#include "kernels/xn_kernel.h"
#include "kernels/xn_scale.h"

typedef struct xn_conv_2d_dsp_params {
    xn_window window;
    int32_t in_c, out_c;
    int32_t quads;     // ceil(k_h * k_w * in_c / 4)
    int32_t is_packed; // in_c is a multiple of 4
    int32_t in_zero;
    xn_scaling scaling;
} xn_conv_2d_dsp_params;

// Where the next value of a window goes.
typedef struct conv_2d_dsp_column {
    uint32_t *quad; // of the pixel; the next one is 4 words on
    int32_t place;  // in the quad; 0 where in_c is a multiple of 4
} conv_2d_dsp_column;

static inline void conv_2d_dsp_put(conv_2d_dsp_column *to, int32_t value) {
    // Places 0, 1, 2, 3 are halves 0, 2, 1, 3.
    int16_t *half = (int16_t *)to->quad + (((to->place & 1) << 1) | (to->place >> 1));
    *half = (int16_t)value;
    to->place++;
    if (to->place == 4) {
        to->place = 0;
        to->quad += 4;
    }
}

static inline void conv_2d_dsp_copy(conv_2d_dsp_column *to, const int8_t *x, int32_t count,
                                    int32_t is_packed) {
    if (is_packed) {
        for (int32_t i = 0; i < count; i += 4, to->quad += 4) {
            uint32_t word = xn_load_bytes(x + i);
            to->quad[0] = xn_even_bytes(word);
            to->quad[1] = xn_odd_bytes(word);
        }
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        conv_2d_dsp_put(to, x[i]);
    }
}

static inline void conv_2d_dsp_fill(conv_2d_dsp_column *to, int32_t value, int32_t count,
                                    int32_t is_packed) {
    if (is_packed) {
        uint32_t pair = ((uint32_t)value & 0xFFFFu) | ((uint32_t)value << 16);
        for (int32_t i = 0; i < count; i += 4, to->quad += 4) {
            to->quad[0] = pair;
            to->quad[1] = pair;
        }
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        conv_2d_dsp_put(to, value);
    }
}

// One pixel's window into its column; what lies outside the image is the zero point.
static inline void conv_2d_dsp_window(const int8_t *in, int32_t out_y, int32_t out_x,
                                      uint32_t *column, const xn_conv_2d_dsp_params *p) {
    const xn_window *win = &p->window;
    conv_2d_dsp_column to = {column, 0};
    xn_taps rows = xn_rows(win, out_y), columns = xn_columns(win, out_x);
    int32_t whole = columns.first == 0 && columns.last == win->k_w && win->dilation_w == 1;
    for (int32_t ky = 0; ky < win->k_h; ky++) {
        int32_t y = rows.origin + ky * win->dilation_h;
        const int8_t *row = in + (y * win->in_w + columns.origin) * p->in_c;
        if (ky < rows.first || ky >= rows.last) {
            conv_2d_dsp_fill(&to, p->in_zero, win->k_w * p->in_c, p->is_packed);
        } else if (whole) {
            conv_2d_dsp_copy(&to, row, win->k_w * p->in_c, p->is_packed);
        } else {
            for (int32_t kx = 0; kx < win->k_w; kx++) {
                if (kx < columns.first || kx >= columns.last) {
                    conv_2d_dsp_fill(&to, p->in_zero, p->in_c, p->is_packed);
                } else {
                    const int8_t *tap = row + kx * win->dilation_w * p->in_c;
                    conv_2d_dsp_copy(&to, tap, p->in_c, p->is_packed);
                }
            }
        }
    }
    while (to.place != 0) { // the last quad's rest meets weights of 0
        conv_2d_dsp_put(&to, 0);
    }
}

// One quad of two pixels by two channels: 16 multiplications in 15 instructions. In assembly, since
// the registers just suffice.
#define CONV_2D_DSP_QUAD                                                                           \
    "ldrd %[w0], %[w1], [%[filter]], #8\n"                                                         \
    "sxtb16 %[e0], %[w0]\n"                                                                        \
    "sxtb16 %[e1], %[w1]\n"                                                                        \
    "sxtb16 %[w0], %[w0], ror #8\n"                                                                \
    "sxtb16 %[w1], %[w1], ror #8\n"                                                                \
    "ldrd %[xe], %[xo], [%[columns]], #8\n"                                                        \
    "smlad %[s00], %[xe], %[e0], %[s00]\n"                                                         \
    "smlad %[s01], %[xe], %[e1], %[s01]\n"                                                         \
    "smlad %[s00], %[xo], %[w0], %[s00]\n"                                                         \
    "smlad %[s01], %[xo], %[w1], %[s01]\n"                                                         \
    "ldrd %[xe], %[xo], [%[columns]], #8\n"                                                        \
    "smlad %[s10], %[xe], %[e0], %[s10]\n"                                                         \
    "smlad %[s11], %[xe], %[e1], %[s11]\n"                                                         \
    "smlad %[s10], %[xo], %[w0], %[s10]\n"                                                         \
    "smlad %[s11], %[xo], %[w1], %[s11]\n"

#define CONV_2D_DSP_LOOP(QUADS)                                                                    \
    __asm__("1:\n" QUADS "cmp %[filter], %[end]\n"                                                 \
            "bne 1b\n"                                                                             \
            : [filter] "+r"(filter), [columns] "+r"(columns), [s00] "+r"(s00), [s01] "+r"(s01),    \
              [s10] "+r"(s10), [s11] "+r"(s11), [w0] "=&r"(w0), [w1] "=&r"(w1), [e0] "=&r"(e0),    \
              [e1] "=&r"(e1), [xe] "=&r"(xe), [xo] "=&r"(xo)                                       \
            : [end] "r"(end)                                                                       \
            : "cc", "memory")

// sums[pixel * 2 + channel] over all quads.
static inline void conv_2d_dsp_block(const uint32_t *columns, const uint32_t *filter, int32_t quads,
                                     int32_t sums[4]) {
    int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;
    uint32_t w0, w1, e0, e1, xe, xo;
    const uint32_t *end = filter + (quads & ~3) * 2;
    if (filter != end) {
        CONV_2D_DSP_LOOP(CONV_2D_DSP_QUAD CONV_2D_DSP_QUAD CONV_2D_DSP_QUAD CONV_2D_DSP_QUAD);
    }
    end = filter + (quads & 3) * 2;
    if (filter != end) {
        CONV_2D_DSP_LOOP(CONV_2D_DSP_QUAD);
    }
    sums[0] = s00;
    sums[1] = s01;
    sums[2] = s10;
    sums[3] = s11;
}

// in: int8 [in_h, in_w, in_c]; filter: int8 [ceil(out_c / 2), quads, 2, 4], a row of 0 where out_c
// is odd; columns: scratch of 16 * quads bytes; out: int8 [out_h, out_w, out_c].
XN_KERNEL void xn_conv_2d_dsp(const int8_t *in, const int8_t *filter, const xn_scales *scales,
                              uint32_t *columns, int8_t *out, const xn_conv_2d_dsp_params *p) {
    const xn_window *win = &p->window;
    int32_t pixels = win->out_h * win->out_w;
    int32_t out_y = 0, out_x = 0;
    for (int32_t first = 0; first < pixels; first += 2) {
        int32_t count = xn_min(2, pixels - first);
        for (int32_t i = 0; i < count; i++) {
            conv_2d_dsp_window(in, out_y, out_x, columns + 2 * i, p);
            out_x++;
            if (out_x == win->out_w) {
                out_x = 0;
                out_y++;
            }
        }
        const uint32_t *w = (const uint32_t *)filter;
        for (int32_t c = 0; c < p->out_c; c += 2, w += 2 * p->quads) {
            int32_t sums[4];
            conv_2d_dsp_block(columns, w, p->quads, sums);
            for (int32_t j = 0; j < 2 && c + j < p->out_c; j++) {
                for (int32_t i = 0; i < count; i++) {
                    out[i * p->out_c + c + j] =
                        (int8_t)xn_scale(sums[i * 2 + j], c + j, scales, &p->scaling);
                }
            }
        }
        out += 2 * p->out_c;
    }
}
