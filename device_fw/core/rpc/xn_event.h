// Events: messages that no request asked for and nobody acknowledges (docs/SPEC-wire.md section 3).
#ifndef XN_EVENT_H
#define XN_EVENT_H

#include <stdbool.h>
#include <stdint.h>

// All of the line at work, xn_link_line: events are sent line by line.
// Whether the host of this session wants events; counts them from 0 again.
void xn_event_want(bool on);
// Whether the host wants events, and the number of the next one; it is sent as a whole message. A
// locked board sends none.
bool xn_event_next(uint32_t *number);
void xn_event_send(const uint8_t *message, uint32_t n);

#endif
