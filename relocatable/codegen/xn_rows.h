// Rows that are held in line buffers, and memory that moves to make room.
#ifndef XN_ROWS_H
#define XN_ROWS_H

#include <stdint.h>

// Rows [first, made) of a tensor, one after another.
typedef struct xn_line_buffer {
    uint8_t *at;
    int32_t first, made;
} xn_line_buffer;

// Both copies may overlap: all of a block is read before it is written, and nothing is overwritten
// that is still to be read.

static __attribute__((noinline, unused)) void xn_move_down(uint8_t *to, const uint8_t *from,
                                                           int32_t count) {
#ifdef XN_MOVE_DOWN
    XN_MOVE_DOWN(to, from, count);
#endif
#pragma clang loop vectorize(disable) unroll(disable)
    for (; count > 0; count--) {
        *to++ = *from++;
    }
}

// `at` and `by` are multiples of 16.
static __attribute__((noinline, unused)) void xn_move_up(uint8_t *at, int32_t count, int32_t by) {
    uint8_t *from = at + (count + 15) / 16 * 16, *to = from + by;
    while (from > at) {
#ifdef XN_MOVE_UP_16
        XN_MOVE_UP_16(to, from);
#else
        uint32_t words[4];
        from -= sizeof words;
        to -= sizeof words;
        __builtin_memcpy(words, __builtin_assume_aligned(from, 16), sizeof words);
        __builtin_memcpy(__builtin_assume_aligned(to, 16), words, sizeof words);
#endif
    }
}

// Rows are added at the end; before, some at the top leave. Returns the place of the new ones.
static inline uint8_t *xn_line_buffer_add(xn_line_buffer *buffer, int32_t rows, int32_t drop,
                                          int32_t row_bytes) {
    int32_t held = buffer->made - buffer->first;
    if (drop > 0) {
        held -= drop;
        buffer->first += drop;
        xn_move_down(buffer->at, buffer->at + drop * row_bytes, held * row_bytes);
    }
    buffer->made += rows;
    return buffer->at + held * row_bytes;
}

#endif
