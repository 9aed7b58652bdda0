// The frame codec of docs/SPEC-wire.md section 1: COBS around a body and its CRC-32.
#ifndef XN_FRAME_H
#define XN_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#ifndef XN_FRAME_MAX
#define XN_FRAME_MAX 4096u // bytes of a frame's body, both ways; at least 1024
#endif

// Decodes byte by byte: the receive interrupt knows at the closing 00 whether the frame was whole.
// The last four bytes stored are the CRC.
typedef struct xn_frame_decoder {
    uint8_t *to;
    uint32_t size; // bytes that `to` holds, CRC included; 0: decode and check, store nothing
    uint32_t used; // bytes decoded, also those that were not stored
    uint32_t crc;  // running
    uint8_t left;  // bytes to the next code byte
    uint8_t code;  // the current code byte, 0 before the first
} xn_frame_decoder;

void xn_frame_decode_begin(xn_frame_decoder *d, uint8_t *to, uint32_t size);
void xn_frame_decode_byte(xn_frame_decoder *d, uint8_t byte); // byte is not 00
bool xn_frame_decode_empty(const xn_frame_decoder *d);
// At the closing 00: the bytes of the body, or XN_E_FRAME. A body longer than `size` allows, whose
// CRC is right, has its true length here: the caller compares.
int32_t xn_frame_decode_end(const xn_frame_decoder *d);

// Encodes body and CRC between two 00 and gives the bytes to `send`, in pieces.
typedef void xn_frame_send_fn(const uint8_t *bytes, uint32_t n);
void xn_frame_send(xn_frame_send_fn *send, const uint8_t *body, uint32_t n);

#endif
