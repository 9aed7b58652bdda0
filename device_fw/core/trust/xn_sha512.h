// SHA-512 (FIPS 180-4) of a stream: Monocypher's.
#ifndef XN_SHA512_H
#define XN_SHA512_H

#include <stdint.h>

#include "vendor/monocypher/monocypher-ed25519.h"

#define XN_SHA512_BYTES 64u

typedef crypto_sha512_ctx xn_sha512;

static inline void xn_sha512_init(xn_sha512 *h) {
    crypto_sha512_init(h);
}

static inline void xn_sha512_add(xn_sha512 *h, const void *bytes, uint32_t n) {
    crypto_sha512_update(h, bytes, n);
}

// Wipes the stream's state, too.
static inline void xn_sha512_end(xn_sha512 *h, uint8_t digest[64]) {
    crypto_sha512_final(h, digest);
}

// The same at once.
static inline void xn_sha512_of(const void *bytes, uint32_t n, uint8_t digest[64]) {
    crypto_sha512(digest, bytes, n);
}

#endif
