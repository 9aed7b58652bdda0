#include "rpc/xn_reply.h"

#include <string.h>

#include "base/xn_error.h"
#include "link/xn_link.h"

// A host goes 12 ids ahead of one that waits, and any other request under way may follow that one.
#define CACHE_REPLIES (16u + 2u * XN_LINK_WINDOW)
#define CACHE_BYTES 192u

// The reply being written. It stays after it was sent: a repeated request finds it.
static struct {
    uint8_t bytes[XN_FRAME_MAX];
    uint32_t n; // 0: none stays
    uint32_t id;
} reply;

// The last replies that are short enough.
static struct {
    uint32_t id;
    uint32_t n; // 0: free
    uint8_t bytes[CACHE_BYTES];
} cache[CACHE_REPLIES];
static uint32_t cache_next;

// ---- Replies that were sent -------------------------------------------------------------------

void xn_reply_forget(void) {
    for (uint32_t i = 0; i < CACHE_REPLIES; i++) {
        cache[i].n = 0;
    }
    reply.n = 0;
}

static void keep_reply(void) {
    if (reply.n <= CACHE_BYTES) {
        cache[cache_next].id = reply.id;
        cache[cache_next].n = reply.n;
        memcpy(cache[cache_next].bytes, reply.bytes, reply.n);
        cache_next = (cache_next + 1u) % CACHE_REPLIES;
    }
}

const uint8_t *xn_reply_bytes(uint32_t *n) {
    *n = reply.n;
    return reply.bytes;
}

const uint8_t *xn_reply_find(uint32_t id, uint32_t *n) {
    for (uint32_t i = 0; i < CACHE_REPLIES; i++) {
        if (cache[i].n > 0 && cache[i].id == id) {
            *n = cache[i].n;
            return cache[i].bytes;
        }
    }
    *n = reply.n;
    return reply.n > 0 && reply.id == id ? reply.bytes : NULL;
}

// ---- Writing replies --------------------------------------------------------------------------

// Begins [1, id, ..
static void begin_reply(xn_msgpack_writer *w, uint32_t id) {
    reply.n = 0;
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
