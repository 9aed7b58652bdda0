#include "rpc/xn_event.h"

#include "base/xn_busy.h"
#include "link/xn_link.h"

static bool wanted;
static uint32_t count; // sent since they were asked for

void xn_event_want(bool on) {
    wanted = on;
    count = 0;
}

bool xn_event_next(uint32_t *number) {
    *number = count;
    return wanted;
}

void xn_event_send(const uint8_t *message, uint32_t n) {
    xn_busy_begin();
    count++;
    xn_link_send_frame(message, n);
    xn_busy_end();
}
