#include "base/xn_busy.h"

#include <stdint.h>

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
