#include "base/xn_sha256.h"

#include <stddef.h>
#include <string.h>

#define PAUSE_BYTES 4096u

static const uint32_t round_constant[64] = {
    0x428A2F98u, 0x71374491u, 0xB5C0FBCFu, 0xE9B5DBA5u, 0x3956C25Bu, 0x59F111F1u, 0x923F82A4u,
    0xAB1C5ED5u, 0xD807AA98u, 0x12835B01u, 0x243185BEu, 0x550C7DC3u, 0x72BE5D74u, 0x80DEB1FEu,
    0x9BDC06A7u, 0xC19BF174u, 0xE49B69C1u, 0xEFBE4786u, 0x0FC19DC6u, 0x240CA1CCu, 0x2DE92C6Fu,
    0x4A7484AAu, 0x5CB0A9DCu, 0x76F988DAu, 0x983E5152u, 0xA831C66Du, 0xB00327C8u, 0xBF597FC7u,
    0xC6E00BF3u, 0xD5A79147u, 0x06CA6351u, 0x14292967u, 0x27B70A85u, 0x2E1B2138u, 0x4D2C6DFCu,
    0x53380D13u, 0x650A7354u, 0x766A0ABBu, 0x81C2C92Eu, 0x92722C85u, 0xA2BFE8A1u, 0xA81A664Bu,
    0xC24B8B70u, 0xC76C51A3u, 0xD192E819u, 0xD6990624u, 0xF40E3585u, 0x106AA070u, 0x19A4C116u,
    0x1E376C08u, 0x2748774Cu, 0x34B0BCB5u, 0x391C0CB3u, 0x4ED8AA4Au, 0x5B9CCA4Fu, 0x682E6FF3u,
    0x748F82EEu, 0x78A5636Fu, 0x84C87814u, 0x8CC70208u, 0x90BEFFFAu, 0xA4506CEBu, 0xBEF9A3F7u,
    0xC67178F2u,
};

static uint32_t rotate(uint32_t x, unsigned n) {
    return x >> n | x << (32u - n);
}

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

// The message schedule is made as it is used, in a ring of 16 words.
static uint32_t schedule(uint32_t w[16], unsigned i) {
    if (i >= 16) {
        uint32_t a = w[(i + 1) & 15u];
        uint32_t b = w[(i + 14) & 15u];
        w[i & 15u] += (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[(i + 9) & 15u] +
                      (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
    return w[i & 15u];
}

static void compress(uint32_t state[8], const uint8_t block[64]) {
    uint32_t w[16];
    uint32_t s[8]; // working variables a to h; they move on by one place each round
    for (unsigned i = 0; i < 16; i++) {
        w[i] = big_endian(block + 4 * i);
    }
    memcpy(s, state, sizeof(s));
    for (unsigned i = 0; i < 64; i++) {
#define AT(variable) s[((variable) + 64u - i) & 7u]
        uint32_t e = AT(4);
        uint32_t a = AT(0);
        uint32_t t1 = AT(7) + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                      ((e & AT(5)) ^ (~e & AT(6))) + round_constant[i] + schedule(w, i);
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                      ((a & AT(1)) ^ (a & AT(2)) ^ (AT(1) & AT(2)));
        AT(3) += t1;     // the next round's e
        AT(7) = t1 + t2; // the next round's a
#undef AT
    }
    for (unsigned i = 0; i < 8; i++) {
        state[i] += s[i];
    }
}

void xn_sha256_begin(xn_sha256 *h) {
    static const uint32_t initial[8] = {0x6A09E667u, 0xBB67AE85u, 0x3C6EF372u, 0xA54FF53Au,
                                        0x510E527Fu, 0x9B05688Cu, 0x1F83D9ABu, 0x5BE0CD19u};
    memcpy(h->state, initial, sizeof(h->state));
    h->length = 0;
}

void xn_sha256_add(xn_sha256 *h, const void *bytes, uint32_t n) {
    const uint8_t *p = bytes;
    while (n > 0) {
        uint32_t filled = h->length & 63u;
        uint32_t room = 64u - filled;
        uint32_t part = n < room ? n : room;
        memcpy(h->block + filled, p, part);
        h->length += part;
        p += part;
        n -= part;
        if (filled + part == 64u) {
            compress(h->state, h->block);
        }
    }
}

void xn_sha256_end(xn_sha256 *h, uint8_t digest[32]) {
    static const uint8_t padding[64] = {0x80};
    uint64_t bits = (uint64_t)h->length * 8u;
    uint8_t tail[8];
    for (unsigned i = 0; i < 8; i++) {
        tail[i] = (uint8_t)(bits >> (56u - 8u * i));
    }
    uint32_t filled = h->length & 63u;
    xn_sha256_add(h, padding, filled < 56u ? 56u - filled : 120u - filled);
    xn_sha256_add(h, tail, 8);
    for (unsigned i = 0; i < 32; i++) {
        digest[i] = (uint8_t)(h->state[i / 4u] >> (24u - 8u * (i & 3u)));
    }
}

void xn_sha256_of(const void *bytes, uint32_t n, uint8_t digest[32], void (*pause)(void)) {
    const uint8_t *p = bytes;
    xn_sha256 hash;
    xn_sha256_begin(&hash);
    while (n > 0) {
        uint32_t part = n < PAUSE_BYTES ? n : PAUSE_BYTES;
        xn_sha256_add(&hash, p, part);
        p += part;
        n -= part;
        if (pause != NULL) {
            pause();
        }
    }
    xn_sha256_end(&hash, digest);
}
