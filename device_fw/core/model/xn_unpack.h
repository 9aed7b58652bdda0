// Unpacks an input that was packed for the wire (docs/SPEC-wire.md section 8): neighbours predict
// each byte, and an arithmetic code of adaptive bits says what the prediction missed.
#ifndef XN_UNPACK_H
#define XN_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#define XN_UNPACK_VERSION 1u // of the code

// The layout of the bytes; it only steers the prediction.
typedef struct xn_unpack_shape {
    uint32_t size;  // bytes
    uint32_t pixel; // bytes from a value to the next of its channel, at least 1
    uint32_t row;   // bytes from a row to the next, at least `pixel`
    uint32_t flip;  // 0x80 for signed values, else 0: the bits that turn their order right
} xn_unpack_shape;

bool xn_unpack_fits(const xn_unpack_shape *shape);
// Writes shape->size bytes. Any packed bytes give some values: there is nothing to refuse.
void xn_unpack(const xn_unpack_shape *shape, const uint8_t *packed, uint32_t n, uint8_t *to);

#endif
