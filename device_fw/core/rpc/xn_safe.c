#include "rpc/xn_safe.h"

#include "base/xn_port.h"

// The word that outlives a reset: starts in a row that did not settle, and a reason for the next.
#define COUNT_MASK 0xFFu
#define REASON_SHIFT 8u

static enum xn_safe_reason now;

enum xn_safe_reason xn_safe_begin(bool broken) {
    uint32_t kept = xn_port_kept();
    uint32_t crashes = kept & COUNT_MASK;
    now = (enum xn_safe_reason)(kept >> REASON_SHIFT);
    if (now == XN_SAFE_NOT && broken) {
        now = XN_SAFE_BREAK;
    }
    if (now == XN_SAFE_NOT && crashes >= XN_SAFE_CRASHES_MAX) {
        now = XN_SAFE_CRASHES;
    }
    xn_port_keep(now == XN_SAFE_NOT ? crashes + 1u : 0u);
    return now;
}

void xn_safe_settle(void) {
    xn_port_keep(0);
}

void xn_safe_ask(enum xn_safe_reason reason) {
    xn_port_keep((uint32_t)reason << REASON_SHIFT);
}

enum xn_safe_reason xn_safe_now(void) {
    return now;
}
