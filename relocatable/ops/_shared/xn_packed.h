// Filters that are stored packed, as docs/SPEC-blob.md section 11 describes them. They are unpacked
// block by block, each of some output channels, into scratch.
#ifndef XN_PACKED_H
#define XN_PACKED_H

#include "ops/_shared/xn_kernel.h"

typedef struct xn_packed {
    // A block's weights: `turns` times a run of each channel, then `rest` of each.
    int32_t run;
    int32_t map;   // bytes of a block's map of what is stored; 0: all is
    uint32_t fill; // what is not stored
    uint16_t turns;
    uint8_t rest;
    uint8_t channels; // of a block
    uint8_t book;     // values in a codebook, of which each of these has one; 0: one for all blocks
    uint8_t bits;     // of a code; 0: values are stored as they are
    uint8_t head, tail; // bytes before and behind a block's weights, stored as they are
    uint8_t is_pairs;   // bytes are to become pairs for the DSP extension
} xn_packed;

// A value as the unpacking templates see it; the kernel reads it as another type.
#define XN_PACKED_T XN_NAME(xn_packed_value)

// What unpacks is shared by all steps, for speed too.
#define XN_UNPACK static __attribute__((noinline, unused))

XN_INLINE uint8_t *xn_packed_copy(uint8_t *to, const uint8_t *from, int32_t bytes) {
#pragma clang loop unroll(disable) vectorize(disable)
    for (int32_t i = 0; i < bytes; i++) {
        to[i] = from[i];
    }
    return to + bytes;
}

// Bytes a, b, c, d of a word to its 16-bit values a + 256 * b, c + 256 * d.
XN_INLINE void xn_packed_pairs(uint8_t *begin, const uint8_t *end) {
#pragma clang loop unroll(disable) vectorize(disable)
    for (uint32_t *word = (uint32_t *)begin; (const uint8_t *)word < end; word++) {
        uint32_t bytes = *word;
        uint32_t borrow = (bytes & 0x00800080u) << 1; // of a half whose lower byte is negative
        *word = ((bytes - (borrow & 0xFFFF0000u)) & 0xFFFF0000u) | ((bytes - borrow) & 0xFFFFu);
    }
}

#endif
