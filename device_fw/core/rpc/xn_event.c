#include "rpc/xn_event.h"

#include "base/xn_busy.h"
#include "link/xn_link.h"
#include "trust/xn_policy.h"

static struct {
    bool wanted;
    uint32_t count; // sent since they were asked for
} events[XN_LINK_LINES];

static uint32_t line(void) {
    return XN_LINK_LINES > 1 ? xn_link_line : 0;
}

void xn_event_want(bool on) {
    events[line()].wanted = on;
    events[line()].count = 0;
}

bool xn_event_next(uint32_t *number) {
    *number = events[line()].count;
    return events[line()].wanted && !xn_policy_locked();
}

void xn_event_send(const uint8_t *message, uint32_t n) {
    xn_busy_begin();
    events[line()].count++;
    xn_link_send_frame(message, n);
    xn_busy_end();
}
