// The board's own key: its id, what it signs, and the numbers that it says once.
#ifndef XN_DEVICE_H
#define XN_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#define XN_DEVICE_SOURCE_MAX 15u // bytes, the ending 0 not counted

typedef struct xn_device_key {
    uint8_t seed[32];
    uint8_t key[32];                        // public
    char source[XN_DEVICE_SOURCE_MAX + 1u]; // of the seed's bytes
} xn_device_key;

// The key of the log, read when the store is mounted; NULL: there is none.
void xn_device_take(const xn_device_key *key);
const xn_device_key *xn_device_now(void); // NULL: there is none
int xn_device_check(void);                // XN_E_TRUST: there is none
// Makes one: of the chip's random bytes, if `seed` is NULL: XN_E_TRUST if it has no source.
int xn_device_make(const uint8_t *seed, xn_device_key *key);
void xn_device_id(uint8_t id[16]);
void xn_device_sign(const uint8_t *message, uint32_t n, uint8_t signature[64]);
// A number that is not said again: `sequence` is the next of the store's log.
void xn_device_nonce(uint32_t sequence, uint8_t nonce[32]);

#endif
