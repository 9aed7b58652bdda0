#include "rpc/xn_call.h"

#include "base/xn_error.h"

// ---- The request ------------------------------------------------------------------------------

int xn_call_read(xn_call *call, const uint8_t *body, uint32_t n, bool *has_id) {
    xn_reader r = xn_reader_of(body, n);
    uint32_t items;
    uint32_t kind;
    *has_id = false;
    call->taken = 0;
    call->failed = false;
    if (xn_msgpack_read_array(&r, &items) != XN_OK || items != 4 ||
        xn_msgpack_read_u32(&r, &kind) != XN_OK || kind != 0 ||
        xn_msgpack_read_u32(&r, &call->id) != XN_OK) {
        return XN_E_MSGPACK;
    }
    *has_id = true;
    if (xn_msgpack_read_str(&r, &call->method, &call->method_bytes) != XN_OK) {
        return XN_E_MSGPACK;
    }
    call->params = r.p;
    call->params_bytes = r.left;
    call->reader = r;
    if (xn_msgpack_skip(&r) != XN_OK || r.left != 0) {
        return XN_E_MSGPACK;
    }
    return xn_msgpack_read_array(&call->reader, &call->left);
}

// ---- Parameters -------------------------------------------------------------------------------

// Whether there is a next parameter; it counts as taken.
static bool next(xn_call *call) {
    if (call->failed || call->left == 0) {
        call->failed = true;
        return false;
    }
    call->left--;
    call->taken++;
    return true;
}

static bool check(xn_call *call, int status) {
    call->failed = call->failed || status != XN_OK;
    return !call->failed;
}

uint32_t xn_call_u32(xn_call *call) {
    uint32_t value = 0;
    return next(call) && check(call, xn_msgpack_read_u32(&call->reader, &value)) ? value : 0;
}

uint32_t xn_call_u32_or(xn_call *call, uint32_t otherwise) {
    return call->left == 0 ? otherwise : xn_call_u32(call);
}

bool xn_call_bool_or(xn_call *call, bool otherwise) {
    bool value = otherwise;
    if (call->left == 0) {
        return otherwise;
    }
    return next(call) && check(call, xn_msgpack_read_bool(&call->reader, &value)) && value;
}

const char *xn_call_str(xn_call *call, uint32_t *n) {
    const char *text = "";
    *n = 0;
    if (next(call) && !check(call, xn_msgpack_read_str(&call->reader, &text, n))) {
        *n = 0;
    }
    return text;
}

const uint8_t *xn_call_bin(xn_call *call, uint32_t *n) {
    const uint8_t *bytes = NULL;
    *n = 0;
    if (next(call) && !check(call, xn_msgpack_read_bin(&call->reader, &bytes, n))) {
        *n = 0;
    }
    return bytes;
}

void xn_call_name(xn_call *call, char *name, uint32_t size) {
    uint32_t n;
    const char *text = xn_call_str(call, &n);
    memset(name, 0, size);
    if (n < size && memchr(text, 0, n) == NULL) {
        memcpy(name, text, n);
    }
}

void xn_call_any(xn_call *call, const uint8_t **bytes, uint32_t *n) {
    *bytes = call->reader.p;
    *n = 0;
    if (next(call) && check(call, xn_msgpack_skip(&call->reader))) {
        *n = (uint32_t)(call->reader.p - *bytes);
    }
}

bool xn_call_array_or_nil(xn_call *call, xn_reader *items, uint32_t *count) {
    const uint8_t *bytes;
    uint32_t n;
    xn_msgpack_value v;
    if (call->left == 0) {
        return false;
    }
    xn_call_any(call, &bytes, &n);
    *items = xn_reader_of(bytes, n);
    if (!check(call, xn_msgpack_read(items, &v)) || v.type == XN_MSGPACK_NIL) {
        return false;
    }
    *count = v.count;
    return check(call, v.type == XN_MSGPACK_ARRAY ? XN_OK : XN_E_PARAMS);
}

int xn_call_end(const xn_call *call) {
    if (call->failed) {
        return xn_error_at(XN_E_PARAMS, "wrong or missing is number", call->taken);
    }
    if (call->left > 0) {
        return xn_error_limit(XN_E_PARAMS, "given are", call->taken + call->left, call->taken);
    }
    return XN_OK;
}

// ---- Results ----------------------------------------------------------------------------------

void xn_call_put_u32(xn_msgpack_writer *out, const char *key, uint32_t value) {
    xn_msgpack_put_text(out, key);
    xn_msgpack_put_uint(out, value);
}

void xn_call_put_bool(xn_msgpack_writer *out, const char *key, bool value) {
    xn_msgpack_put_text(out, key);
    xn_msgpack_put_bool(out, value);
}

void xn_call_put_text(xn_msgpack_writer *out, const char *key, const char *text) {
    xn_msgpack_put_text(out, key);
    xn_msgpack_put_text(out, text);
}
