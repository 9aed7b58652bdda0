#include "link/xn_frame.h"

#include "base/xn_bytes.h"
#include "base/xn_crc32.h"
#include "base/xn_reader.h"
#include "base/xn_status.h"

// ---- Decoding ---------------------------------------------------------------------------------

void xn_frame_decode_begin(xn_frame_decoder *d, uint8_t *to, uint32_t size) {
    d->to = to;
    d->size = size;
    d->used = 0;
    d->crc = XN_CRC32_INIT;
    d->left = 0;
    d->code = 0;
}

static void put(xn_frame_decoder *d, uint8_t byte) {
    if (d->used < d->size) {
        d->to[d->used] = byte;
    }
    d->used++;
    d->crc = xn_crc32_add(d->crc, byte);
}

void xn_frame_decode_byte(xn_frame_decoder *d, uint8_t byte) {
    if (d->left > 0) {
        d->left--;
        put(d, byte);
        return;
    }
    // A group that was not full stands for its bytes and a 00, except the last group.
    if (d->code != 0 && d->code != 0xFF) {
        put(d, 0);
    }
    d->code = byte;
    d->left = (uint8_t)(byte - 1);
}

bool xn_frame_decode_empty(const xn_frame_decoder *d) {
    return d->code == 0;
}

int32_t xn_frame_decode_end(const xn_frame_decoder *d) {
    bool whole = d->code != 0 && d->left == 0;
    if (!whole || d->used <= 4 || d->used > INT32_MAX || d->crc != XN_CRC32_GOOD) {
        return XN_E_FRAME;
    }
    return (int32_t)(d->used - 4);
}

// ---- Encoding ---------------------------------------------------------------------------------

typedef struct encoder {
    xn_frame_send_fn *send;
    uint8_t group[255]; // the code byte, then up to 254 bytes
    uint8_t used;       // of them
} encoder;

static void send_group(encoder *e) {
    e->group[0] = e->used;
    e->send(e->group, e->used);
    e->used = 1;
}

static void encode(encoder *e, const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (e->used == 255) {
            send_group(e);
        }
        if (bytes[i] == 0) {
            send_group(e);
        } else {
            e->group[e->used++] = bytes[i];
        }
    }
}

void xn_frame_send(xn_frame_send_fn *send, const uint8_t *body, uint32_t n) {
    static const uint8_t delimiter = 0;
    encoder e;
    uint8_t crc[4];
    e.send = send;
    e.used = 1;
    xn_bytes_put_le32(crc, xn_crc32(body, n));
    send(&delimiter, 1);
    encode(&e, body, n);
    encode(&e, crc, 4);
    send_group(&e);
    send(&delimiter, 1);
}
