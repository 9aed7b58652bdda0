// One UART for text and frames (docs/SPEC-wire.md section 1).
#ifndef XN_LINK_H
#define XN_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "link/xn_frame.h"

#ifndef XN_LINK_WINDOW
#define XN_LINK_WINDOW 8u // frames that may wait: XN_LINK_WINDOW * (XN_FRAME_MAX + 4) bytes of RAM
#endif
#ifndef XN_LINK_TEXT_RING
#define XN_LINK_TEXT_RING 516u // a byte more than may wait: two windows of raw paste, and Ctrl-D
#endif
#ifndef XN_LINK_LINES
#define XN_LINK_LINES 1u // lines to hosts: 0 is the board's own, others come by xn_link_deliver()
#endif

typedef struct xn_link_counts {
    uint32_t frames;       // received whole
    uint32_t bad_frames;   // CRC or COBS wrong
    uint32_t long_frames;  // longer than XN_FRAME_MAX
    uint32_t lost_frames;  // no room: the host did not keep to the window
    uint32_t lost_text;    // bytes of text without room
    uint32_t stale_frames; // given up after a second of silence
} xn_link_counts;

void xn_link_init(void);

// From the receive interrupt: one byte came. The board calls it for each byte, in order.
void xn_link_receive(uint8_t byte);

// Called in the interrupt for each byte of text before it is stored (NULL: none). True keeps the
// byte out of the ring; meant for the VM's Ctrl-C.
extern bool (*xn_link_on_text)(uint8_t byte);

int xn_link_text_get(void);    // next byte of text, -1: none
bool xn_link_text_ready(void); // cheap

// The line of what is being handled: where text and frames go.
extern uint32_t xn_link_line;
// Sends bytes on a line other than the board's own; as xn_port_send(), it does not fail. n is 0
// behind a frame or a text: what was kept back for company leaves.
extern void (*xn_link_send_on)(uint32_t line, const uint8_t *bytes, uint32_t n);
// Queues a frame that came whole on another line. False: there is no room now; the receiver of the
// own line may be within a frame, which has its place already. Thread level only.
bool xn_link_deliver(uint32_t line, const uint8_t *body, uint32_t n);

// Sends text; a byte 00 in it is left out. Thread level only.
void xn_link_send_text(const uint8_t *text, uint32_t n);
void xn_link_send_frame(const uint8_t *body, uint32_t n);

// Frames that wait, the oldest is 0: its body, or NULL if fewer wait or this one is done with.
// The body stays until xn_link_frame_done(); done ones leave from the front, and from behind if no
// frame is on its way.
const uint8_t *xn_link_frame(uint32_t index, uint32_t *n);
uint32_t xn_link_frames(void);
uint32_t xn_link_frame_line(uint32_t index); // where it came from
void xn_link_frame_done(uint32_t index);
// Whether the receiver is within a frame; xn_link_expire() gives up one that a second of silence
// interrupted.
bool xn_link_in_frame(void);
void xn_link_expire(void);

const xn_link_counts *xn_link_count(void);

#endif
