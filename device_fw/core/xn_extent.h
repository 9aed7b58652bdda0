// Places in flash for objects: whole sectors, one after another. Inner part of xn_store.
#ifndef XN_EXTENT_H
#define XN_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

uint32_t xn_extent_bytes(uint32_t size); // whole sectors
// Finds a free run, starting where the last one ended so that all sectors wear alike; evicts old
// versions while there is none.
int xn_extent_take(uint32_t bytes, uint32_t *offset);
uint32_t xn_extent_free(void); // bytes that no current version holds

#endif
