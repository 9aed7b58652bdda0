// Bytes and places among them.
#ifndef XN_BYTES_H
#define XN_BYTES_H

#include <stdint.h>
#include <string.h>

static inline void xn_bytes_put_le32(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

// Whether [offset, offset + n) is within [0, size): never overflows.
static inline int xn_bytes_in_range(uint32_t offset, uint32_t n, uint32_t size) {
    return offset <= size && n <= size - offset;
}

// Overwrites a secret that is not needed any more; the compiler does not leave it out.
static inline void xn_bytes_wipe(void *p, uint32_t n) {
    memset(p, 0, n);
    __asm__ volatile("" ::"r"(p) : "memory");
}

#endif
