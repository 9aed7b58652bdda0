// Arenas cut from the board's one pool.
#ifndef XN_POOL_H
#define XN_POOL_H

#include <stdint.h>

#ifndef XN_POOL_ARENAS
#define XN_POOL_ARENAS 8u
#endif

void xn_pool_init(void);               // takes the pool from the port; frees all
uint8_t *xn_pool_take(uint32_t bytes); // aligned to 32; NULL: does not fit
void xn_pool_give(uint8_t *arena);     // NULL is ignored
uint32_t xn_pool_largest(void);        // the largest arena that can be taken now
uint32_t xn_pool_bytes(void);          // all of it

#endif
