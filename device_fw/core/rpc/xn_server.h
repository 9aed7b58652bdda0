// Answers requests (docs/SPEC-wire.md sections 2 and 3). At thread level,
// but for xn_server_attend().
#ifndef XN_SERVER_H
#define XN_SERVER_H

#include <stdbool.h>
#include <stdint.h>

// Called once, after the board is up and receives: takes the pool, mounts the store, opens the
// active model, sends "boot".
void xn_server_init(void);
// Whether xn_server_poll() has something to do. Cheap: for the VM hook and the idle loop.
bool xn_server_pending(void);
// Handles all frames that wait. Called from within itself (by a port's wait loop) it does nothing.
void xn_server_poll(void);
// From an interrupt that comes between any two instructions of the thread, and that the receive
// interrupt interrupts: answers urgent requests (xn_method.h). Not while the core is at work
// (xn_busy.h), unless a step runs. Whether requests are left.
bool xn_server_attend(bool in_step);

#endif
