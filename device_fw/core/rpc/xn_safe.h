// Safe mode: a start on which no script runs by itself: none can lock anyone out.
#ifndef XN_SAFE_H
#define XN_SAFE_H

#include <stdbool.h>
#include <stdint.h>

enum xn_safe_reason {
    XN_SAFE_NOT = 0,     // scripts run
    XN_SAFE_BREAK = 1,   // Ctrl-C at the start, or repeated ones that a script ignored
    XN_SAFE_CRASHES = 2, // XN_SAFE_CRASHES_MAX starts in a row ended with a reset, in the scripts
    XN_SAFE_ASKED = 3,   // reset(safe=true)
    XN_SAFE_RESTART = 4, // the VM was given up in the scripts
};

#define XN_SAFE_CRASHES_MAX 3u
#define XN_SAFE_SETTLED_US 10000000u // a script that ran for so long is none that crashes at start

// Called before the scripts of a start: whether they may run. `broken`: a break came.
enum xn_safe_reason xn_safe_begin(bool broken);
// The scripts have ended, or have run for long: the next reset is not taken for a crash at start.
void xn_safe_settle(void);
// Makes the next start a safe one. May be called from an interrupt.
void xn_safe_ask(enum xn_safe_reason reason);
// Of this start.
enum xn_safe_reason xn_safe_now(void);

#endif
