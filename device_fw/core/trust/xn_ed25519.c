#include "trust/xn_ed25519.h"

#include <string.h>

#include "vendor/monocypher/monocypher-ed25519.h"

// A pair is the seed and, behind it, the public key.
static void make_pair(const uint8_t seed[32], uint8_t pair[64], uint8_t key[32]) {
    uint8_t copy[32]; // which is wiped
    memcpy(copy, seed, sizeof(copy));
    crypto_ed25519_key_pair(pair, key, copy);
}

// Whether the y of a point, without the sign of x, is below p = 2^255 - 19.
static bool is_reduced(const uint8_t point[32]) {
    if (point[0] < 0xEDu || (point[31] & 0x7Fu) != 0x7Fu) {
        return true;
    }
    for (uint32_t i = 1; i < 31; i++) {
        if (point[i] != 0xFFu) {
            return true;
        }
    }
    return false;
}

// Eight times a point of small order A is zero. Monocypher compares 8 (S B - h A - R) with zero:
// here with S = 0, h = 1 and R the neutral point, whose encoding is 1.
static bool is_small(const uint8_t key[32]) {
    static const uint8_t one[64] = {1};
    return crypto_eddsa_check_equation(one, key, one) == 0;
}

bool xn_ed25519_check(const uint8_t signature[64], const uint8_t key[32], const uint8_t *message,
                      uint32_t n) {
    return is_reduced(signature) && !is_small(key) &&
           crypto_ed25519_check(signature, key, message, n) == 0;
}

void xn_ed25519_public(const uint8_t seed[32], uint8_t key[32]) {
    uint8_t pair[64];
    make_pair(seed, pair, key);
    crypto_wipe(pair, sizeof(pair));
}

void xn_ed25519_sign(const uint8_t seed[32], const uint8_t *message, uint32_t n,
                     uint8_t signature[64]) {
    uint8_t pair[64];
    uint8_t key[32];
    make_pair(seed, pair, key);
    crypto_ed25519_sign(signature, pair, message, n);
    crypto_wipe(pair, sizeof(pair));
}
