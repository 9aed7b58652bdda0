// MessagePack over fixed buffers: a reader of values, a writer that remembers its first failure.
#ifndef XN_MSGPACK_H
#define XN_MSGPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/xn_reader.h"

// ---- Reading: all return XN_OK or XN_E_MSGPACK ------------------------------------------------

enum xn_msgpack_type {
    XN_MSGPACK_NIL,
    XN_MSGPACK_BOOL,
    XN_MSGPACK_INT,  // fits int64_t
    XN_MSGPACK_UINT, // greater than INT64_MAX
    XN_MSGPACK_FLOAT,
    XN_MSGPACK_STR,
    XN_MSGPACK_BIN,
    XN_MSGPACK_ARRAY, // count values follow
    XN_MSGPACK_MAP,   // count pairs follow
    XN_MSGPACK_EXT,   // its type is in `integer`
};

typedef struct xn_msgpack_value {
    enum xn_msgpack_type type;
    bool boolean;
    int64_t integer;      // INT; of UINT the same bits; of EXT the type, -128..127
    double real;          // FLOAT, of both widths
    const uint8_t *bytes; // STR, BIN, EXT: within the reader's buffer, not terminated
    uint32_t count;       // STR, BIN, EXT: bytes; ARRAY, MAP: items, pairs
} xn_msgpack_value;

#define XN_MSGPACK_DEPTH 16u // containers within containers that skip accepts

// Reads one value; of a container only its head.
int xn_msgpack_read(xn_reader *r, xn_msgpack_value *value);
// Passes over one whole value.
int xn_msgpack_skip(xn_reader *r);

int xn_msgpack_read_u32(xn_reader *r, uint32_t *value);
int xn_msgpack_read_bool(xn_reader *r, bool *value);
int xn_msgpack_read_array(xn_reader *r, uint32_t *count);
int xn_msgpack_read_map(xn_reader *r, uint32_t *count);
int xn_msgpack_read_str(xn_reader *r, const char **text, uint32_t *n); // not terminated
int xn_msgpack_read_bin(xn_reader *r, const uint8_t **bytes, uint32_t *n);

// ---- Writing: what no longer fits sets `full`, and nothing is written from then on ------------

typedef struct xn_msgpack_writer {
    uint8_t *start;
    uint32_t used;
    uint32_t size;
    bool full;
} xn_msgpack_writer;

void xn_msgpack_begin(xn_msgpack_writer *w, uint8_t *buffer, uint32_t size);
void xn_msgpack_put_nil(xn_msgpack_writer *w);
void xn_msgpack_put_bool(xn_msgpack_writer *w, bool value);
void xn_msgpack_put_int(xn_msgpack_writer *w, int64_t value);
void xn_msgpack_put_uint(xn_msgpack_writer *w, uint64_t value);
void xn_msgpack_put_float(xn_msgpack_writer *w, float value);
void xn_msgpack_put_double(xn_msgpack_writer *w, double value);
void xn_msgpack_put_text(xn_msgpack_writer *w, const char *text); // terminated by 0
void xn_msgpack_put_str(xn_msgpack_writer *w, const char *text, uint32_t n);
void xn_msgpack_put_bin(xn_msgpack_writer *w, const void *bytes, uint32_t n);
void xn_msgpack_put_array(xn_msgpack_writer *w, uint32_t count);
void xn_msgpack_put_map(xn_msgpack_writer *w, uint32_t count);
// Values that are msgpack already.
void xn_msgpack_put_raw(xn_msgpack_writer *w, const void *bytes, uint32_t n);
// Writes the head of a bin and returns the place of its n bytes, to be filled by the caller; NULL
// if they do not fit.
uint8_t *xn_msgpack_put_bin_space(xn_msgpack_writer *w, uint32_t n);
// The same for an ext value.
uint8_t *xn_msgpack_put_ext_space(xn_msgpack_writer *w, int8_t type, uint32_t n);

#endif
