// The reply being written, and the last ones sent: a repeated request gets the same bytes again.
#ifndef XN_REPLY_H
#define XN_REPLY_H

#include <stdint.h>

#include "base/xn_msgpack.h"
#include "link/xn_link.h"

// A host goes 12 ids ahead of one that waits, and any other request under way may follow that one.
#define XN_REPLY_KEPT (16u + 2u * XN_LINK_WINDOW)
#define XN_REPLY_KEPT_BYTES 192u

// The last replies on a line that are short enough.
typedef struct xn_reply_cache {
    struct {
        uint32_t id;
        uint32_t n; // 0: free
        uint8_t bytes[XN_REPLY_KEPT_BYTES];
    } last[XN_REPLY_KEPT];
    uint32_t next;
} xn_reply_cache;

// The cache of a line other than the board's own, used until it is given NULL.
void xn_reply_keep_in(uint32_t line, xn_reply_cache *cache);

// What is found, forgotten and sent is that of the line at work, xn_link_line.
void xn_reply_forget(void); // all of them

// Begins the reply to a request; its result follows.
void xn_reply_begin(xn_msgpack_writer *w, uint32_t id);
// Ends it. What does not fit becomes the error XN_E_TOO_LONG.
void xn_reply_finish(xn_msgpack_writer *w, uint32_t id);
// Makes the reply an error, with its code's message or with the one given. `detail` may be
// NULL; if it does not fit, its start is cut off.
void xn_reply_status(uint32_t id, int code);
void xn_reply_error(uint32_t id, int code, const char *message, const char *detail);
// Sends what was written, and keeps it.
void xn_reply_send(void);
// Sends an error that is not kept.
void xn_reply_refuse(uint32_t id, int code);

// The bytes of the reply written last.
const uint8_t *xn_reply_bytes(uint32_t *n);
// The kept reply to a request, NULL: there is none.
const uint8_t *xn_reply_find(uint32_t id, uint32_t *n);

#endif
