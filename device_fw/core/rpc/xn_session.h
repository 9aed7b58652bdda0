// The host's session, one on each line: what it was told and left half done ends when another one
// begins there. Of the line at work, xn_link_line, unless it says otherwise.
#ifndef XN_SESSION_H
#define XN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/xn_msgpack.h"
#include "rpc/xn_reply.h"

void xn_session_init(void); // none is open
// Takes a line beside the board's own; replies are kept in *cache until it is closed. 0: all are
// taken.
uint32_t xn_session_open_line(xn_reply_cache *cache);
void xn_session_close_line(uint32_t line);
// Opens the host's session, unless it is that of this nonce already.
void xn_session_open(uint32_t nonce);
bool xn_session_is_open(void);
uint32_t xn_session_number(void); // another one in each session, whichever the line
// The line of the request that was at work when those that are handled now came in between.
#define XN_SESSION_NONE UINT32_MAX // nothing of a host was: a script of the board, say
extern uint32_t xn_session_beneath;

// An upload is one session's. XN_E_BUSY: that of another line had a piece in the last seconds.
int xn_session_take_upload(void);
bool xn_session_has_upload(void); // asked at each piece

void xn_session_put_boot(xn_msgpack_writer *out); // why the board started
// Says that the board has started: at the start, and to any request before a session is open.
void xn_session_notify_boot(void);

// Restarts the board once the reply has left: until then nothing more is answered.
void xn_session_reset_after_reply(void);
bool xn_session_is_ending(void);
void xn_session_end(void);

#endif
