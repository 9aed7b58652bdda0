// One request as a method sees it: its parameters, taken one after another, and its reply.
#ifndef XN_CALL_H
#define XN_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/xn_msgpack.h"

typedef struct xn_call {
    uint32_t id;
    const char *method; // not terminated
    uint32_t method_bytes;
    const uint8_t *params; // the whole array, as msgpack
    uint32_t params_bytes;
    xn_reader reader; // what has not been taken
    uint32_t left;    // parameters that have not been taken
    uint32_t taken;
    bool failed; // a parameter was missing or of another type
} xn_call;

// Reads a request's body. XN_E_MSGPACK if it is none; then *has_id tells whether at least its
// id was read.
int xn_call_read(xn_call *call, const uint8_t *body, uint32_t n, bool *has_id);

// Each takes the next parameter; a wrong one makes xn_call_end() fail, and gives 0.
uint32_t xn_call_u32(xn_call *call);
uint32_t xn_call_u32_or(xn_call *call, uint32_t otherwise); // if it is missing
bool xn_call_bool_or(xn_call *call, bool otherwise);
const char *xn_call_str(xn_call *call, uint32_t *n);
const uint8_t *xn_call_bin(xn_call *call, uint32_t *n);
// A name, terminated; one too long or with a 0 within becomes "", which no object has.
void xn_call_name(xn_call *call, char *name, uint32_t size);
// An array's items or, if it is nil or missing, false. *items: a reader of them.
bool xn_call_array_or_nil(xn_call *call, xn_reader *items, uint32_t *count);
// The next parameter as it is.
void xn_call_any(xn_call *call, const uint8_t **bytes, uint32_t *n);
// XN_OK if all parameters were right and none is left, else XN_E_PARAMS.
int xn_call_end(const xn_call *call);

// Entries of a result map.
void xn_call_put_u32(xn_msgpack_writer *out, const char *key, uint32_t value);
void xn_call_put_bool(xn_msgpack_writer *out, const char *key, bool value);
void xn_call_put_text(xn_msgpack_writer *out, const char *key, const char *text);

#endif
