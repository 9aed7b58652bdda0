#include "base/xn_msgpack.h"

#include "base/xn_status.h"

// ---- Reading ----------------------------------------------------------------------------------

// The next n bytes as a big-endian number.
static int take_number(xn_reader *r, uint32_t n, uint64_t *value) {
    const uint8_t *p = xn_reader_take(r, n);
    if (p == NULL) {
        return XN_E_MSGPACK;
    }
    uint64_t number = 0;
    for (uint32_t i = 0; i < n; i++) {
        number = number << 8 | p[i];
    }
    *value = number;
    return XN_OK;
}

static int take_bytes(xn_reader *r, xn_msgpack_value *v, enum xn_msgpack_type type, uint32_t n) {
    v->type = type;
    v->count = n;
    v->bytes = xn_reader_take(r, n);
    return v->bytes == NULL ? XN_E_MSGPACK : XN_OK;
}

// A container cannot have more items than bytes follow.
static int take_head(xn_reader *r, xn_msgpack_value *v, enum xn_msgpack_type type, uint32_t n) {
    uint32_t per_item = type == XN_MSGPACK_MAP ? 2u : 1u;
    v->type = type;
    v->count = n;
    return n > r->left / per_item ? XN_E_MSGPACK : XN_OK;
}

static int take_integer(xn_msgpack_value *v, uint64_t number) {
    v->type = number > (uint64_t)INT64_MAX ? XN_MSGPACK_UINT : XN_MSGPACK_INT;
    v->integer = (int64_t)number;
    return XN_OK;
}

static int take_signed(xn_msgpack_value *v, uint64_t number, uint32_t bytes) {
    uint64_t sign = (uint64_t)1 << (8u * bytes - 1u);
    v->type = XN_MSGPACK_INT;
    v->integer = (int64_t)((number ^ sign) - sign);
    return XN_OK;
}

static int take_real(xn_msgpack_value *v, uint64_t number, uint32_t bytes) {
    v->type = XN_MSGPACK_FLOAT;
    if (bytes == 4) {
        uint32_t bits = (uint32_t)number;
        float real;
        memcpy(&real, &bits, 4);
        v->real = (double)real;
    } else {
        memcpy(&v->real, &number, 8);
    }
    return XN_OK;
}

// `n` is that of the payload, which follows the type.
static int take_ext(xn_reader *r, xn_msgpack_value *v, uint32_t n) {
    const uint8_t *type = xn_reader_take(r, 1);
    if (type == NULL) {
        return XN_E_MSGPACK;
    }
    v->integer = (int8_t)*type;
    return take_bytes(r, v, XN_MSGPACK_EXT, n);
}

// The kinds whose head byte is followed by a number of 1, 2, 4 or 8 bytes; log2 of that is in
// `width`.
static int read_wide(xn_reader *r, uint8_t head, xn_msgpack_value *v) {
    uint32_t width = 0;
    uint64_t number;
    if (head >= 0xC4 && head <= 0xC6) {
        width = head - 0xC4u;
    } else if (head >= 0xC7 && head <= 0xC9) {
        width = head - 0xC7u;
    } else if (head >= 0xCA && head <= 0xCB) {
        width = head - 0xCAu + 2u;
    } else if (head >= 0xCC && head <= 0xD3) {
        width = (head - 0xCCu) & 3u;
    } else if (head >= 0xD9 && head <= 0xDB) {
        width = head - 0xD9u;
    } else if (head >= 0xDC && head <= 0xDF) {
        width = ((head - 0xDCu) & 1u) + 1u;
    } else {
        return XN_E_MSGPACK; // C1 is never used
    }
    if (take_number(r, 1u << width, &number) != XN_OK) {
        return XN_E_MSGPACK;
    }
    if (head <= 0xC6) {
        return take_bytes(r, v, XN_MSGPACK_BIN, (uint32_t)number);
    }
    if (head <= 0xC9) {
        return take_ext(r, v, (uint32_t)number);
    }
    if (head <= 0xCB) {
        return take_real(v, number, 1u << width);
    }
    if (head <= 0xCF) {
        return take_integer(v, number);
    }
    if (head <= 0xD3) {
        return take_signed(v, number, 1u << width);
    }
    if (head <= 0xDB) {
        return take_bytes(r, v, XN_MSGPACK_STR, (uint32_t)number);
    }
    return take_head(r, v, head <= 0xDD ? XN_MSGPACK_ARRAY : XN_MSGPACK_MAP, (uint32_t)number);
}

int xn_msgpack_read(xn_reader *r, xn_msgpack_value *value) {
    const uint8_t *p = xn_reader_take(r, 1);
    if (p == NULL) {
        return XN_E_MSGPACK;
    }
    uint8_t head = *p;
    if (head < 0x80) {
        return take_integer(value, head);
    }
    if (head < 0x90) {
        return take_head(r, value, XN_MSGPACK_MAP, head & 15u);
    }
    if (head < 0xA0) {
        return take_head(r, value, XN_MSGPACK_ARRAY, head & 15u);
    }
    if (head < 0xC0) {
        return take_bytes(r, value, XN_MSGPACK_STR, head & 31u);
    }
    if (head >= 0xE0) {
        return take_signed(value, head, 1);
    }
    if (head == 0xC0) {
        value->type = XN_MSGPACK_NIL;
        return XN_OK;
    }
    if (head == 0xC2 || head == 0xC3) {
        value->type = XN_MSGPACK_BOOL;
        value->boolean = head == 0xC3;
        return XN_OK;
    }
    if (head >= 0xD4 && head <= 0xD8) {
        return take_ext(r, value, 1u << (head - 0xD4u));
    }
    return read_wide(r, head, value);
}

int xn_msgpack_skip(xn_reader *r) {
    uint32_t left[XN_MSGPACK_DEPTH + 1]; // values still to read, per container
    uint32_t depth = 0;
    left[0] = 1;
    for (;;) {
        while (left[depth] == 0) {
            if (depth == 0) {
                return XN_OK;
            }
            depth--;
        }
        left[depth]--;
        xn_msgpack_value v;
        if (xn_msgpack_read(r, &v) != XN_OK) {
            return XN_E_MSGPACK;
        }
        if (v.type == XN_MSGPACK_ARRAY || v.type == XN_MSGPACK_MAP) {
            if (depth == XN_MSGPACK_DEPTH) {
                return XN_E_MSGPACK;
            }
            // take_head has seen that the count is at most the bytes left: no overflow here.
            left[++depth] = v.type == XN_MSGPACK_MAP ? 2u * v.count : v.count;
        }
    }
}

static int read_type(xn_reader *r, xn_msgpack_value *v, enum xn_msgpack_type type) {
    int status = xn_msgpack_read(r, v);
    return status == XN_OK && v->type != type ? XN_E_MSGPACK : status;
}

int xn_msgpack_read_u32(xn_reader *r, uint32_t *value) {
    xn_msgpack_value v;
    int status = read_type(r, &v, XN_MSGPACK_INT);
    if (status != XN_OK || v.integer < 0 || v.integer > (int64_t)UINT32_MAX) {
        return XN_E_MSGPACK;
    }
    *value = (uint32_t)v.integer;
    return XN_OK;
}

int xn_msgpack_read_bool(xn_reader *r, bool *value) {
    xn_msgpack_value v;
    int status = read_type(r, &v, XN_MSGPACK_BOOL);
    if (status == XN_OK) {
        *value = v.boolean;
    }
    return status;
}

static int read_count(xn_reader *r, enum xn_msgpack_type type, uint32_t *count) {
    xn_msgpack_value v;
    int status = read_type(r, &v, type);
    if (status == XN_OK) {
        *count = v.count;
    }
    return status;
}

int xn_msgpack_read_array(xn_reader *r, uint32_t *count) {
    return read_count(r, XN_MSGPACK_ARRAY, count);
}

int xn_msgpack_read_map(xn_reader *r, uint32_t *count) {
    return read_count(r, XN_MSGPACK_MAP, count);
}

int xn_msgpack_read_str(xn_reader *r, const char **text, uint32_t *n) {
    xn_msgpack_value v;
    int status = read_type(r, &v, XN_MSGPACK_STR);
    if (status == XN_OK) {
        *text = (const char *)v.bytes;
        *n = v.count;
    }
    return status;
}

int xn_msgpack_read_bin(xn_reader *r, const uint8_t **bytes, uint32_t *n) {
    xn_msgpack_value v;
    int status = read_type(r, &v, XN_MSGPACK_BIN);
    if (status == XN_OK) {
        *bytes = v.bytes;
        *n = v.count;
    }
    return status;
}

// ---- Writing ----------------------------------------------------------------------------------

void xn_msgpack_begin(xn_msgpack_writer *w, uint8_t *buffer, uint32_t size) {
    w->start = buffer;
    w->used = 0;
    w->size = size;
    w->full = false;
}

static uint8_t *make_room(xn_msgpack_writer *w, uint32_t n) {
    if (w->full || w->size - w->used < n) {
        w->full = true;
        return NULL;
    }
    uint8_t *at = w->start + w->used;
    w->used += n;
    return at;
}

// A head byte and the n low bytes of a number, big-endian.
static void put_head(xn_msgpack_writer *w, uint32_t head, uint64_t number, uint32_t n) {
    uint8_t *p = make_room(w, 1u + n);
    if (p == NULL) {
        return;
    }
    *p++ = (uint8_t)head;
    for (uint32_t shift = 8u * n; shift > 0; shift -= 8u) {
        *p++ = (uint8_t)(number >> (shift - 8u));
    }
}

void xn_msgpack_put_nil(xn_msgpack_writer *w) {
    put_head(w, 0xC0, 0, 0);
}

void xn_msgpack_put_bool(xn_msgpack_writer *w, bool value) {
    put_head(w, value ? 0xC3 : 0xC2, 0, 0);
}

void xn_msgpack_put_uint(xn_msgpack_writer *w, uint64_t value) {
    if (value < 0x80) {
        put_head(w, (uint32_t)value, 0, 0);
    } else if (value <= UINT8_MAX) {
        put_head(w, 0xCC, value, 1);
    } else if (value <= UINT16_MAX) {
        put_head(w, 0xCD, value, 2);
    } else if (value <= UINT32_MAX) {
        put_head(w, 0xCE, value, 4);
    } else {
        put_head(w, 0xCF, value, 8);
    }
}

void xn_msgpack_put_int(xn_msgpack_writer *w, int64_t value) {
    if (value >= 0) {
        xn_msgpack_put_uint(w, (uint64_t)value);
    } else if (value >= -32) {
        put_head(w, (uint8_t)value, 0, 0);
    } else if (value >= INT8_MIN) {
        put_head(w, 0xD0, (uint64_t)value, 1);
    } else if (value >= INT16_MIN) {
        put_head(w, 0xD1, (uint64_t)value, 2);
    } else if (value >= INT32_MIN) {
        put_head(w, 0xD2, (uint64_t)value, 4);
    } else {
        put_head(w, 0xD3, (uint64_t)value, 8);
    }
}

void xn_msgpack_put_float(xn_msgpack_writer *w, float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    put_head(w, 0xCA, bits, 4);
}

void xn_msgpack_put_double(xn_msgpack_writer *w, double value) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    put_head(w, 0xCB, bits, 8);
}

void xn_msgpack_put_raw(xn_msgpack_writer *w, const void *bytes, uint32_t n) {
    uint8_t *p = make_room(w, n);
    if (p != NULL && n > 0) {
        memcpy(p, bytes, n);
    }
}

void xn_msgpack_put_text(xn_msgpack_writer *w, const char *text) {
    xn_msgpack_put_str(w, text, (uint32_t)strlen(text));
}

void xn_msgpack_put_str(xn_msgpack_writer *w, const char *text, uint32_t n) {
    if (n < 32) {
        put_head(w, 0xA0u | n, 0, 0);
    } else if (n <= UINT8_MAX) {
        put_head(w, 0xD9, n, 1);
    } else {
        put_head(w, n <= UINT16_MAX ? 0xDA : 0xDB, n, n <= UINT16_MAX ? 2 : 4);
    }
    xn_msgpack_put_raw(w, text, n);
}

uint8_t *xn_msgpack_put_bin_space(xn_msgpack_writer *w, uint32_t n) {
    if (n <= UINT8_MAX) {
        put_head(w, 0xC4, n, 1);
    } else {
        put_head(w, n <= UINT16_MAX ? 0xC5 : 0xC6, n, n <= UINT16_MAX ? 2 : 4);
    }
    return make_room(w, n);
}

uint8_t *xn_msgpack_put_ext_space(xn_msgpack_writer *w, int8_t type, uint32_t n) {
    if (n <= UINT8_MAX) {
        put_head(w, 0xC7, n, 1);
    } else {
        put_head(w, n <= UINT16_MAX ? 0xC8 : 0xC9, n, n <= UINT16_MAX ? 2 : 4);
    }
    xn_msgpack_put_raw(w, &type, 1);
    return make_room(w, n);
}

void xn_msgpack_put_bin(xn_msgpack_writer *w, const void *bytes, uint32_t n) {
    uint8_t *p = xn_msgpack_put_bin_space(w, n);
    if (p != NULL && n > 0) {
        memcpy(p, bytes, n);
    }
}

static void put_container(xn_msgpack_writer *w, uint32_t small, uint32_t large, uint32_t count) {
    if (count < 16) {
        put_head(w, small | count, 0, 0);
    } else if (count <= UINT16_MAX) {
        put_head(w, large, count, 2);
    } else {
        put_head(w, large + 1, count, 4);
    }
}

void xn_msgpack_put_array(xn_msgpack_writer *w, uint32_t count) {
    put_container(w, 0x90, 0xDC, count);
}

void xn_msgpack_put_map(xn_msgpack_writer *w, uint32_t count) {
    put_container(w, 0x80, 0xDE, count);
}
