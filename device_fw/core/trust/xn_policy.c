#include "trust/xn_policy.h"

#include <string.h>

#include "base/xn_port.h"
#include "base/xn_sha256.h"

// Its secret is the SHA-256 of the text "xipnet development key": everybody knows it.
static const uint8_t development_key[32] = {
    0xBD, 0xB5, 0xAE, 0xE9, 0x96, 0x06, 0x74, 0xB3, 0x2F, 0x5B, 0x1E, 0x76, 0x93, 0x82, 0x2F, 0x0E,
    0x10, 0x44, 0xD5, 0xC9, 0x0D, 0xF8, 0xEE, 0x17, 0xB4, 0xF9, 0xA7, 0x33, 0x1C, 0xB8, 0xA7, 0x68,
};

static const uint8_t no_key[32]; // as a key it would be a point that everybody can sign for

static xn_policy now;
static bool is_taken; // `now` is what holds
static bool is_unlocked;

void xn_policy_take(const xn_policy *policy) {
    const xn_policy *built_in = xn_port_policy();
    memset(&now, 0, sizeof(now));
    is_taken = true;
    if (policy == NULL || (built_in != NULL && policy->state < built_in->state)) {
        policy = built_in;
    }
    if (policy == NULL) {
        return;
    }
    now = *policy;
    for (uint32_t i = 0; i < XN_POLICY_KEYS; i++) {
        if (now.state >= XN_POLICY_LOCKED && xn_policy_is_development(now.keys[i])) {
            memset(now.keys[i], 0, sizeof(now.keys[i]));
        }
    }
}

const xn_policy *xn_policy_now(void) {
    if (!is_taken) {
        xn_policy_take(NULL);
    }
    return &now;
}

bool xn_policy_locked(void) {
    return !is_unlocked && xn_policy_now()->state >= XN_POLICY_LOCKED;
}

void xn_policy_unlock(void) {
    is_unlocked = true;
}

bool xn_policy_unlocked(void) {
    return is_unlocked;
}

// ---- Keys ---------------------------------------------------------------------------------------

bool xn_policy_is_development(const uint8_t key[32]) {
    return memcmp(key, development_key, sizeof(development_key)) == 0;
}

bool xn_policy_is_key(const uint8_t key[32]) {
    return memcmp(key, no_key, sizeof(no_key)) != 0;
}

uint32_t xn_policy_key_id(const uint8_t key[32]) {
    xn_sha256 hash;
    uint8_t digest[XN_SHA256_BYTES];
    xn_sha256_begin(&hash);
    xn_sha256_add(&hash, key, 32u);
    xn_sha256_end(&hash, digest);
    uint32_t id;
    memcpy(&id, digest, sizeof(id));
    return id;
}

const uint8_t *xn_policy_key(uint32_t key_id) {
    const xn_policy *policy = xn_policy_now();
    for (uint32_t i = 0; i < XN_POLICY_KEYS; i++) {
        const uint8_t *key = policy->keys[i];
        if (xn_policy_is_key(key) && xn_policy_key_id(key) == key_id) {
            return key;
        }
    }
    return NULL;
}
