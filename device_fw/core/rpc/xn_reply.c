#include "rpc/xn_reply.h"

#include <string.h>

#include "base/xn_error.h"
#include "link/xn_link.h"

// The reply being written. It stays after it was sent: a repeated request finds it.
static struct {
    uint8_t bytes[XN_FRAME_MAX];
    uint32_t n; // 0: none stays
    uint32_t id;
    uint32_t line;
} reply;

static xn_reply_cache own;
static xn_reply_cache *caches[XN_LINK_LINES] = {&own};

// ---- Replies that were sent -------------------------------------------------------------------

static xn_reply_cache *cache(void) {
    return XN_LINK_LINES > 1 ? caches[xn_link_line] : &own;
}

void xn_reply_keep_in(uint32_t line, xn_reply_cache *in) {
    caches[line] = in;
}

void xn_reply_forget(void) {
    xn_reply_cache *c = cache();
    for (uint32_t i = 0; i < XN_REPLY_KEPT; i++) {
        c->last[i].n = 0;
    }
    if (reply.line == xn_link_line) {
        reply.n = 0;
    }
}

static void keep_reply(void) {
    xn_reply_cache *c = cache();
    if (reply.n <= XN_REPLY_KEPT_BYTES) {
        c->last[c->next].id = reply.id;
        c->last[c->next].n = reply.n;
        memcpy(c->last[c->next].bytes, reply.bytes, reply.n);
        c->next = (c->next + 1u) % XN_REPLY_KEPT;
    }
}

const uint8_t *xn_reply_bytes(uint32_t *n) {
    *n = reply.n;
    return reply.bytes;
}

const uint8_t *xn_reply_find(uint32_t id, uint32_t *n) {
    const xn_reply_cache *c = cache();
    for (uint32_t i = 0; i < XN_REPLY_KEPT; i++) {
        if (c->last[i].n > 0 && c->last[i].id == id) {
            *n = c->last[i].n;
            return c->last[i].bytes;
        }
    }
    *n = reply.n;
    return reply.n > 0 && reply.id == id && reply.line == xn_link_line ? reply.bytes : NULL;
}

// ---- Writing replies --------------------------------------------------------------------------

// Begins [1, id, ..
static void begin_reply(xn_msgpack_writer *w, uint32_t id) {
    reply.n = 0;
    reply.line = xn_link_line;
    xn_msgpack_begin(w, reply.bytes, sizeof(reply.bytes));
    xn_msgpack_put_array(w, 4);
    xn_msgpack_put_uint(w, 1);
    xn_msgpack_put_uint(w, id);
}

void xn_reply_begin(xn_msgpack_writer *w, uint32_t id) {
    begin_reply(w, id);
    xn_msgpack_put_nil(w);
}

// Of a long detail the end is kept: it says more than the start.
static void put_detail(xn_msgpack_writer *w, const char *detail) {
    if (detail == NULL) {
        xn_msgpack_put_nil(w);
        return;
    }
    uint32_t room = w->size - w->used - 6u; // head of the str, nil of the result
    uint32_t n = (uint32_t)strlen(detail);
    if (n > room) {
        detail += n - room;
        n = room;
        while (n > 0 && ((uint8_t)*detail & 0xC0u) == 0x80u) { // the rest of a UTF-8 character
            detail++;
            n--;
        }
    }
    xn_msgpack_put_str(w, detail, n);
}

void xn_reply_error(uint32_t id, int code, const char *message, const char *detail) {
    xn_msgpack_writer w;
    uint32_t n = (uint32_t)strlen(message);
    begin_reply(&w, id);
    xn_msgpack_put_array(&w, 3);
    xn_msgpack_put_int(&w, code);
    xn_msgpack_put_str(&w, message, n < 512u ? n : 512u);
    put_detail(&w, detail);
    xn_msgpack_put_nil(&w);
    reply.id = id;
    reply.n = w.used;
}

void xn_reply_status(uint32_t id, int code) {
    char message[XN_ERROR_TEXT_MAX];
    xn_error_text(code, message);
    xn_reply_error(id, code, message, NULL);
}

// Another reply may have been written into the buffer since this one was begun, before the bytes of
// its own result: its head, always of the same length, is written again.
void xn_reply_finish(xn_msgpack_writer *w, uint32_t id) {
    xn_msgpack_writer head;
    if (w->full) {
        xn_reply_status(id, xn_error_limit(XN_E_TOO_LONG, "more than", w->used, w->size));
        return;
    }
    xn_reply_begin(&head, id);
    reply.id = id;
    reply.n = w->used;
}

void xn_reply_send(void) {
    keep_reply();
    xn_link_send_frame(reply.bytes, reply.n);
}

void xn_reply_refuse(uint32_t id, int code) {
    xn_reply_status(id, code);
    xn_link_send_frame(reply.bytes, reply.n);
    reply.n = 0;
}
