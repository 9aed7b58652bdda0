// Rows that are held in bands, and memory that moves to make room.
#ifndef XN_ROWS_H
#define XN_ROWS_H

#include <stdint.h>

// Rows [first, made) of a tensor, one after another.
typedef struct xn_band {
    uint8_t *at;
    int32_t first, made;
} xn_band;

typedef struct xn_words {
    uint32_t word[4];
} xn_words;

// Both may overlap. Copies run in the direction in which nothing is overwritten that is still
// needed: all of a block is read before it is written.
static inline void xn_move_down(uint8_t *to, const uint8_t *from, int32_t count) {
    for (; count >= (int32_t)sizeof(xn_words); count -= (int32_t)sizeof(xn_words)) {
        xn_words words;
        __builtin_memcpy(&words, from, sizeof words);
        __builtin_memcpy(to, &words, sizeof words);
        from += sizeof words;
        to += sizeof words;
    }
#pragma clang loop vectorize(disable) unroll(disable)
    for (; count > 0; count--) {
        *to++ = *from++;
    }
}

// `at` and `by` are multiples of 16.
static __attribute__((noinline, unused)) void xn_move_up(uint8_t *at, int32_t count, int32_t by) {
    xn_words *from = (xn_words *)(void *)(at + (count + 15) / 16 * 16);
    xn_words *to = (xn_words *)(void *)((uint8_t *)from + by);
    while ((uint8_t *)from > at) {
        *--to = *--from;
    }
}

// Rows are added at the end; before, some at the top leave. Returns the place of the new ones.
static inline uint8_t *xn_band_add(xn_band *band, int32_t rows, int32_t drop, int32_t row_bytes) {
    int32_t held = band->made - band->first;
    if (drop > 0) {
        held -= drop;
        band->first += drop;
        xn_move_down(band->at, band->at + drop * row_bytes, held * row_bytes);
    }
    band->made += rows;
    return band->at + held * row_bytes;
}

#endif
