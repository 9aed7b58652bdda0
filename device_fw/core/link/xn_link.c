#include "link/xn_link.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_port.h"
#include "link/xn_frame.h"

#define SLOT_BYTES (XN_FRAME_MAX + 4u) // a body and its CRC
#define DONE 0xFFFFFFFFu               // length of a frame that is done with
#define SILENCE_US 1000000u
#define BREAK_ZEROS 8u // more 00 in a row than any host sends: a host at a much lower speed

_Static_assert(XN_FRAME_MAX >= 1024u, "the reply to hello must fit");
_Static_assert((XN_LINK_WINDOW & (XN_LINK_WINDOW - 1u)) == 0, "a power of two: head and tail wrap");

// Of the pairs head and tail, head is written by the interrupt and tail by the thread. Those of
// frames only grow, their difference is the fill; those of text go round.
static struct {
    uint8_t slot[XN_LINK_WINDOW][SLOT_BYTES];
    volatile uint32_t length[XN_LINK_WINDOW];
    volatile uint32_t head, tail;
#if XN_LINK_LINES > 1
    uint8_t line[XN_LINK_WINDOW];
#endif
} frames;

static struct {
    volatile uint8_t ring[XN_LINK_TEXT_RING];
    volatile uint32_t head, tail;
} text;

static struct {
    xn_frame_decoder decoder;
    volatile bool in_frame;
    bool has_slot;
    uint32_t zeros;             // in a row
    volatile uint32_t arrivals; // bytes so far
} receiver;

static xn_link_counts counts;

// What xn_link_expire() saw last.
static struct {
    uint32_t arrivals;
    uint64_t since_us;
} watch;

bool (*xn_link_on_text)(uint8_t byte);
uint32_t xn_link_line;
void (*xn_link_send_on)(uint32_t line, const uint8_t *bytes, uint32_t n);

void xn_link_init(void) {
    uint32_t state = xn_port_lock();
    frames.head = frames.tail = 0;
    text.head = text.tail = 0;
    receiver.in_frame = false;
    xn_link_line = 0;
    xn_frame_decode_begin(&receiver.decoder, NULL, 0);
    counts = (xn_link_counts){0};
    xn_port_unlock(state);
}

// ---- In the interrupt -------------------------------------------------------------------------

static uint32_t after(uint32_t at) {
    return at + 1u == XN_LINK_TEXT_RING ? 0 : at + 1u;
}

static void receive_text(uint8_t byte) {
    if (xn_link_on_text != NULL && xn_link_on_text(byte)) {
        return;
    }
    uint32_t head = text.head;
    if (after(head) == text.tail) {
        counts.lost_text++;
        return;
    }
    text.ring[head] = byte;
    text.head = after(head);
}

static void begin_frame(void) {
    xn_frame_decode_begin(&receiver.decoder, NULL, 0);
    receiver.in_frame = true;
    receiver.zeros = 0;
}

// The slot is chosen at the first byte, not before. Without one the frame is decoded all the same,
// to recognise its end.
static void choose_slot(void) {
    receiver.zeros = 0;
    receiver.has_slot = frames.head - frames.tail < XN_LINK_WINDOW;
    if (receiver.has_slot) {
        xn_frame_decode_begin(&receiver.decoder, frames.slot[frames.head % XN_LINK_WINDOW],
                              SLOT_BYTES);
    }
}

// The frame in the slot at the head is whole.
static void queue(uint32_t line, uint32_t n) {
#if XN_LINK_LINES > 1
    frames.line[frames.head % XN_LINK_WINDOW] = (uint8_t)line;
#else
    (void)line;
#endif
    frames.length[frames.head % XN_LINK_WINDOW] = n;
    frames.head = frames.head + 1u;
}

static void end_frame(void) {
    if (xn_frame_decode_empty(&receiver.decoder)) {
        if (++receiver.zeros % BREAK_ZEROS == 0) {
            counts.bad_frames++;
        }
        return;
    }
    int32_t n = xn_frame_decode_end(&receiver.decoder);
    if (n < 0) {
        counts.bad_frames++;
        begin_frame(); // this 00 may have been an opening one
        return;
    }
    receiver.in_frame = false;
    if ((uint32_t)n > XN_FRAME_MAX) {
        counts.long_frames++;
    } else if (!receiver.has_slot) {
        counts.lost_frames++;
    } else {
        counts.frames++;
        queue(0, (uint32_t)n);
    }
}

void xn_link_receive(uint8_t byte) {
    receiver.arrivals = receiver.arrivals + 1u;
    if (!receiver.in_frame) {
        if (byte == 0) {
            begin_frame();
        } else {
            receive_text(byte);
        }
    } else if (byte == 0) {
        end_frame();
    } else {
        if (xn_frame_decode_empty(&receiver.decoder)) {
            choose_slot();
        }
        xn_frame_decode_byte(&receiver.decoder, byte);
    }
}

// ---- At thread level --------------------------------------------------------------------------

bool xn_link_text_ready(void) {
    return text.head != text.tail;
}

int xn_link_text_get(void) {
    uint32_t tail = text.tail;
    if (text.head == tail) {
        return -1;
    }
    uint8_t byte = text.ring[tail];
    text.tail = after(tail);
    return byte;
}

uint32_t xn_link_frames(void) {
    return frames.head - frames.tail;
}

const uint8_t *xn_link_frame(uint32_t index, uint32_t *n) {
    uint32_t state = xn_port_lock(); // also keeps the compiler from reading the body early
    const uint8_t *body = NULL;
    if (index < xn_link_frames()) {
        uint32_t slot = (frames.tail + index) % XN_LINK_WINDOW;
        *n = frames.length[slot];
        body = *n == DONE ? NULL : frames.slot[slot];
    }
    xn_port_unlock(state);
    return body;
}

// Whether the next frame is being written to the slot at the head.
static bool writes_slot(void) {
    return receiver.in_frame && receiver.has_slot && !xn_frame_decode_empty(&receiver.decoder);
}

void xn_link_frame_done(uint32_t index) {
    uint32_t state = xn_port_lock();
    if (index < xn_link_frames()) {
        frames.length[(frames.tail + index) % XN_LINK_WINDOW] = DONE;
    }
    while (xn_link_frames() > 0 && frames.length[frames.tail % XN_LINK_WINDOW] == DONE) {
        frames.tail = frames.tail + 1u;
    }
    while (xn_link_frames() > 0 && !writes_slot() &&
           frames.length[(frames.head - 1u) % XN_LINK_WINDOW] == DONE) {
        frames.head = frames.head - 1u;
    }
    xn_port_unlock(state);
}

uint32_t xn_link_frame_line(uint32_t index) {
#if XN_LINK_LINES > 1
    return frames.line[(frames.tail + index) % XN_LINK_WINDOW];
#else
    (void)index;
    return 0;
#endif
}

bool xn_link_deliver(uint32_t line, const uint8_t *body, uint32_t n) {
    uint32_t state = xn_port_lock();
    bool slot_in_use = receiver.in_frame && !xn_frame_decode_empty(&receiver.decoder);
    bool room = !slot_in_use && xn_link_frames() < XN_LINK_WINDOW && n <= XN_FRAME_MAX;
    if (room) {
        memcpy(frames.slot[frames.head % XN_LINK_WINDOW], body, n);
        queue(line, n);
    }
    xn_port_unlock(state);
    return room;
}

bool xn_link_in_frame(void) {
    return receiver.in_frame;
}

void xn_link_expire(void) {
    uint64_t now_us = xn_port_time_us();
    uint32_t state = xn_port_lock();
    if (!receiver.in_frame || receiver.arrivals != watch.arrivals) {
        watch.arrivals = receiver.arrivals;
        watch.since_us = now_us;
    } else if (now_us - watch.since_us >= SILENCE_US) {
        receiver.in_frame = false;
        counts.stale_frames++;
    }
    xn_port_unlock(state);
}

static void send(const uint8_t *bytes, uint32_t n) {
    if (XN_LINK_LINES > 1 && xn_link_line != 0) {
        xn_link_send_on(xn_link_line, bytes, n);
    } else {
        xn_port_send(bytes, n);
    }
}

static void sent(void) {
    if (XN_LINK_LINES > 1 && xn_link_line != 0) {
        xn_link_send_on(xn_link_line, NULL, 0);
    }
}

void xn_link_send_text(const uint8_t *bytes, uint32_t n) {
    uint32_t start = 0;
    xn_busy_begin();
    for (uint32_t i = 0; i <= n; i++) {
        if (i == n || bytes[i] == 0) {
            if (i > start) {
                send(bytes + start, i - start);
            }
            start = i + 1u;
        }
    }
    sent();
    xn_busy_end();
}

void xn_link_send_frame(const uint8_t *body, uint32_t n) {
    xn_frame_send(send, body, n);
    sent();
}

const xn_link_counts *xn_link_count(void) {
    return &counts;
}
