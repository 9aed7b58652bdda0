// Whether the core is at work in the thread. While it is, no interrupt enters the core, and what
// the thread does is not given up: store, models and lanes are never left half changed.
#ifndef XN_BUSY_H
#define XN_BUSY_H

#include <stdbool.h>

// Around what changes the core or sends. Nestable; the thread's alone.
void xn_busy_begin(void);
void xn_busy_end(void);
bool xn_busy_now(void);
// Called now and then while the thread looks at many bytes (NULL: nothing): other work may be done
// there.
extern void (*xn_busy_pause)(void);
#if XN_LOCKABLE
// Around what takes long and touches nothing but its own variables: the thread is not given up, but
// urgent requests may come in between, as in a model's step.
void xn_busy_begin_apart(void);
void xn_busy_end_apart(void);
bool xn_busy_apart(void);
#else
static inline bool xn_busy_apart(void) {
    return false;
}
#endif

#endif
