// The speed of the line: changed on request, and back if that turns out not to work
// (docs/SPEC-wire.md section 9).
#ifndef XN_BAUD_H
#define XN_BAUD_H

#include <stdbool.h>
#include <stdint.h>

#define XN_BAUD_START 115200u // after every start of the board

void xn_baud_init(void);
// Asks for a change once the reply has left, or returns XN_E_PARAMS.
int xn_baud_ask(uint32_t rate);
// Whether a change waits to be confirmed: xn_baud_poll() must be called.
bool xn_baud_on_trial(void);
// Called after requests were handled: makes the change whose reply has left, or takes it back.
void xn_baud_poll(void);

#endif
