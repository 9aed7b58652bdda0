// The host's session: what it was told and left half done ends when another one begins.
#ifndef XN_SESSION_H
#define XN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/xn_msgpack.h"

void xn_session_init(void); // none is open
// Opens the host's session, unless it is that of this nonce already.
void xn_session_open(uint32_t nonce);
bool xn_session_is_open(void);
uint32_t xn_session_number(void); // another one in each session

void xn_session_put_boot(xn_msgpack_writer *out); // why the board started
// Says that the board has started: at the start, and to any request before a session is open.
void xn_session_notify_boot(void);

// Restarts the board once the reply has left: until then nothing more is answered.
void xn_session_reset_after_reply(void);
bool xn_session_is_ending(void);
void xn_session_end(void);

#endif
