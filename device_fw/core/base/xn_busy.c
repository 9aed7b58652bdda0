#include "base/xn_busy.h"

#include <stdint.h>

void (*xn_busy_pause)(void);

static volatile uint32_t depth;

void xn_busy_begin(void) {
    depth = depth + 1u;
}

void xn_busy_end(void) {
    depth = depth - 1u;
}

bool xn_busy_now(void) {
    return depth != 0;
}

#if XN_LOCKABLE

static volatile uint32_t apart;

void xn_busy_begin_apart(void) {
    xn_busy_begin();
    apart = apart + 1u;
}

void xn_busy_end_apart(void) {
    apart = apart - 1u;
    xn_busy_end();
}

bool xn_busy_apart(void) {
    return apart != 0;
}

#endif
