// The caches of a Cortex-M7 or M55; a core without them has nothing to do.
#ifndef XN_CACHE_H
#define XN_CACHE_H

#include <stdint.h>

// Writes back and drops what the data cache holds of [start, start + n).
void xn_cache_flush(const void *start, uint32_t n);
// The same, and the instruction cache and the branch predictor forget all: see
// xn_port_sync_code().
void xn_cache_sync(const void *start, uint32_t n);

#endif
