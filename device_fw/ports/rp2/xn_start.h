// The core within the port's main(): started before the VM, served in each of its lives.
#ifndef XN_START_H
#define XN_START_H

// Once: takes the pool, mounts the store, opens the active model.
void xn_start_core(void);
// At a soft reset: no request runs Python until the next life.
void xn_start_end_life(void);

#endif
