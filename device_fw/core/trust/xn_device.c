#include "trust/xn_device.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_bytes.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "base/xn_sha256.h"
#include "trust/xn_ed25519.h"
#include "trust/xn_sha512.h"

static xn_device_key now;
static bool is_there;
static uint32_t nonces; // said since the start

void xn_device_take(const xn_device_key *key) {
    is_there = key != NULL;
    memset(&now, 0, sizeof(now));
    if (key != NULL) {
        now = *key;
    }
}

const xn_device_key *xn_device_now(void) {
    return is_there ? &now : NULL;
}

int xn_device_check(void) {
    return is_there ? XN_OK : xn_error_plain(XN_E_TRUST, "the board has no key of its own");
}

int xn_device_make(const uint8_t *seed, xn_device_key *key) {
    const char *source = "host";
    memset(key, 0, sizeof(*key));
    if (seed != NULL) {
        memcpy(key->seed, seed, sizeof(key->seed));
    } else {
        source = xn_port_entropy(key->seed, sizeof(key->seed));
    }
    if (source == NULL) {
        return xn_error_at(XN_E_TRUST, "the chip gives no random bytes, of", sizeof(key->seed));
    }
    for (uint32_t i = 0; i < XN_DEVICE_SOURCE_MAX && source[i] != 0; i++) {
        key->source[i] = source[i];
    }
    xn_busy_begin_apart();
    xn_ed25519_public(key->seed, key->key);
    xn_busy_end_apart();
    return XN_OK;
}

void xn_device_id(uint8_t id[16]) {
    xn_sha256 hash;
    uint8_t digest[XN_SHA256_BYTES];
    xn_sha256_begin(&hash);
    xn_sha256_add(&hash, now.key, sizeof(now.key));
    xn_sha256_end(&hash, digest);
    memcpy(id, digest, 16);
}

void xn_device_sign(const uint8_t *message, uint32_t n, uint8_t signature[64]) {
    xn_busy_begin_apart();
    xn_ed25519_sign(now.seed, message, n, signature);
    xn_busy_end_apart();
}

// The seed makes it one that nobody foresees, the sequence one that is not said again once the log
// has grown, the count one that is not said again before.
void xn_device_nonce(uint32_t sequence, uint8_t nonce[32]) {
    struct {
        uint8_t seed[32];
        uint32_t sequence;
        uint32_t count;
        uint64_t time_us;
        uint8_t random[32]; // of the chip; 0: it has none
    } from;
    uint8_t digest[64];
    memset(&from, 0, sizeof(from));
    memcpy(from.seed, now.seed, sizeof(from.seed));
    from.sequence = sequence;
    from.count = ++nonces;
    from.time_us = xn_port_time_us();
    (void)xn_port_entropy(from.random, sizeof(from.random));
    xn_sha512_of(&from, sizeof(from), digest);
    memcpy(nonce, digest, 32);
    xn_bytes_wipe(&from, sizeof(from));
}
