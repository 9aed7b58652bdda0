// Arenas cut from the board's one pool.
#ifndef XN_POOL_H
#define XN_POOL_H

#include <stdint.h>

#ifndef XN_POOL_ARENAS
#define XN_POOL_ARENAS 8u
#endif

void xn_pool_init(void); // takes the pool from the port; frees all
// Takes an arena of at least *bytes; *bytes becomes what it has. Aligned to 32; nothing of another
// arena is within what the board can open to a step that has this one. NULL: does not fit.
uint8_t *xn_pool_take(uint32_t *bytes);
void xn_pool_give(const uint8_t *arena); // NULL is ignored
uint32_t xn_pool_largest(void);          // arenas of up to so many bytes can be taken now
uint32_t xn_pool_bytes(void);            // and if no other is taken

#endif
