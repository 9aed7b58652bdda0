// SHA-256 (FIPS 180-4) of a stream.
#ifndef XN_SHA256_H
#define XN_SHA256_H

#include <stdint.h>

#define XN_SHA256_BYTES 32u

typedef struct xn_sha256 {
    uint32_t state[8];
    uint32_t length; // bytes so far: up to 2^32 - 1
    uint8_t block[64];
} xn_sha256;

void xn_sha256_begin(xn_sha256 *h);
void xn_sha256_add(xn_sha256 *h, const void *bytes, uint32_t n);
void xn_sha256_end(xn_sha256 *h, uint8_t digest[32]);
// The same at once. Now and then `pause` is called (NULL: nothing): other work may be done there.
void xn_sha256_of(const void *bytes, uint32_t n, uint8_t digest[32], void (*pause)(void));

#endif
