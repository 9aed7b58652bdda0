// Places in flash for objects: whole sectors, one after another. Inner part of xn_store.
#ifndef XN_EXTENT_H
#define XN_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

// Set by the part that executes from the store: whether [at, at + n) is in use, and must not be
// erased though no record names it any more. NULL: nothing is.
extern bool (*xn_extent_in_use)(const uint8_t *at, uint32_t n);

uint32_t xn_extent_bytes(uint32_t size); // whole sectors
// Finds the free run of sectors that were erased least (`worn`: most), of equal ones the next
// behind the last one that was taken; evicts old versions while there is none.
int xn_extent_take(uint32_t bytes, bool worn, uint32_t *offset);
uint32_t xn_extent_free(void); // bytes that no current version holds, and no bad sector

#endif
