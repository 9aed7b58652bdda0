// Where a reset begins.
#ifndef XN_STARTUP_H
#define XN_STARTUP_H

void xn_startup(void);

#endif
