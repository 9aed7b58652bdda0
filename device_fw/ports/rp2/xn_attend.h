// Urgent requests, answered whatever the thread is at: from an interrupt of the lowest priority.
#ifndef XN_ATTEND_H
#define XN_ATTEND_H

// Once, when USB is up.
void xn_attend_start(void);
// From anywhere: attends at the clock's next tick; in the second, as soon as nothing else
// interrupts.
void xn_clock_attend(void);
void xn_attend_soon(void);

#endif
