// Pairs of rows for the DSP extension's DEPTHWISE_CONV_2D. Two rows of four channels are laid out
// as pairs of 16-bit values, those of int8 times 256 (the unit of the sums, see xn_dsp.h): one word
// holds an upper and a lower value of a channel.
#ifndef XN_PAIRS_H
#define XN_PAIRS_H

#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_kernel.h"

typedef struct xn_pairs {
    const xn_window *window;
    int32_t in_c;
    int32_t in_zero; // of int8
    int32_t columns; // all that windows cover
    int32_t spacing; // words from a channel to the next; four times that from a column to the next
} xn_pairs;

// Four channels of a column.
XN_INLINE void xn_pairs_put(uint32_t upper, uint32_t lower, uint32_t *to, int32_t spacing) {
    uint32_t low = (upper & 0xFFFFu) | lower << 16;
    uint32_t high = upper >> 16 | (lower & 0xFFFF0000u);
    to[0] = low << 8 & 0xFF00FF00u;
    to[spacing] = low & 0xFF00FF00u;
    to[2 * spacing] = high << 8 & 0xFF00FF00u;
    to[3 * spacing] = high & 0xFF00FF00u;
}

// Rows y and y + 1 of the image; `in` is the first of the channels, `flip` makes int8 of four.
XN_INLINE void xn_pairs_fetch(const void *in, int32_t y, int32_t channels, uint32_t *to,
                              uint32_t flip, const xn_pairs *p) {
    const xn_window *win = p->window;
    const uint32_t zeros = (((uint32_t)p->in_zero & 0xFFu) * 0x01010101u) ^ flip;
    const int8_t *rows[2];
    int32_t steps[2];
    for (int32_t k = 0; k < 2; k++) {
        int32_t is_inside = y + k >= 0 && y + k < win->in_h;
        rows[k] =
            is_inside ? (const int8_t *)in + (y + k) * win->in_w * p->in_c : (const int8_t *)&zeros;
        steps[k] = is_inside ? p->in_c : 0;
    }
    int32_t left = xn_min(win->pad_left, p->columns);
    int32_t right = xn_min(left + win->in_w, p->columns);
#pragma clang loop unroll(disable)
    for (int32_t x = left; x < right; x++) {
        xn_pairs_put(xn_load_some(rows[0], channels) ^ flip, xn_load_some(rows[1], channels) ^ flip,
                     to + 4 * p->spacing * x, p->spacing);
        rows[0] += steps[0];
        rows[1] += steps[1];
    }
}

// The same of 16-bit values, which count once; outside of the image they are 0.
XN_INLINE void xn_pairs_fetch_16(const void *in, int32_t y, int32_t channels, uint32_t *to,
                                 const xn_pairs *p) {
    const xn_window *win = p->window;
    const int16_t zeros[4] = {0};
    const int16_t *rows[2];
    int32_t steps[2];
    for (int32_t k = 0; k < 2; k++) {
        int32_t is_inside = y + k >= 0 && y + k < win->in_h;
        rows[k] = is_inside ? (const int16_t *)in + (y + k) * win->in_w * p->in_c : zeros;
        steps[k] = is_inside ? p->in_c : 0;
    }
    int32_t left = xn_min(win->pad_left, p->columns);
    int32_t right = xn_min(left + win->in_w, p->columns);
#pragma clang loop unroll(disable)
    for (int32_t x = left; x < right; x++) {
        uint32_t *at = to + 4 * p->spacing * x;
        for (int32_t c = 0; c + 2 <= channels; c += 2, at += 2 * p->spacing) {
            uint32_t upper = xn_load_bytes(rows[0] + c), lower = xn_load_bytes(rows[1] + c);
            at[0] = (upper & 0xFFFFu) | lower << 16;
            at[p->spacing] = upper >> 16 | (lower & 0xFFFF0000u);
        }
        if (channels % 2 != 0) {
            at[0] = (uint16_t)rows[0][channels - 1] | (uint32_t)rows[1][channels - 1] << 16;
        }
        rows[0] += steps[0];
        rows[1] += steps[1];
    }
}

// The fetch in a template by the inputs' type.
#define XN_PAIRS_FETCH(in, y, channels, to, p)                                                     \
    _Generic((XN_T)0,                                                                              \
        int16_t: xn_pairs_fetch_16(in, y, channels, to, p),                                        \
        default: xn_pairs_fetch(in, y, channels, to, XN_FLIP, p))

// The columns left and right of the image, for `words` words of memory.
XN_INLINE void xn_pairs_fill(uint32_t *to, int32_t words, const xn_pairs *p) {
    const uint32_t zeros = ((uint32_t)p->in_zero & 0xFFu) * 0x01000100u;
    int32_t column = 4 * p->spacing;
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < words; i += column) {
        int32_t x = i / column % p->columns - p->window->pad_left;
        for (int32_t k = 0; k < column && (x < 0 || x >= p->window->in_w); k++) {
            to[i + k] = zeros;
        }
    }
}

#endif
