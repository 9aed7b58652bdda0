#include "sealed.h"

#include <string.h>

#include "base/xn_crc32.h"
#include "trust/xn_ed25519.h"

// ---- In the place of xn_ed25519.c ---------------------------------------------------------------

static void sign(const uint8_t key[32], const void *message, uint32_t n, uint8_t signature[64]) {
    uint32_t words[2] = {xn_crc32(key, 32), xn_crc32(message, n)};
    memset(signature, 0x5A, 64);
    memcpy(signature, words, sizeof(words));
}

bool xn_ed25519_check(const uint8_t signature[64], const uint8_t key[32], const uint8_t *message,
                      uint32_t n) {
    uint8_t right[64];
    sign(key, message, n, right);
    return memcmp(right, signature, sizeof(right)) == 0;
}

void xn_ed25519_public(const uint8_t seed[32], uint8_t key[32]) {
    memcpy(key, seed, 32);
}

void xn_ed25519_sign(const uint8_t seed[32], const uint8_t *message, uint32_t n,
                     uint8_t signature[64]) {
    sign(seed, message, n, signature);
}

const uint8_t sealed_keys[3][32] = {{1, 10}, {2, 20}, {3, 30}};

// ---- Sealed files -----------------------------------------------------------------------------

void seal_file(file *f, uint32_t counter, const uint8_t key[32]) {
    xn_seal *s = &f->seal;
    memset(s, 0, sizeof(*s));
    memcpy(s->magic, XN_SEAL_MAGIC, sizeof(s->magic));
    s->kind = (uint8_t)f->object.type;
    s->counter = counter;
    s->size = f->object.size;
    s->key_id = xn_policy_key_id(key);
    strcpy(s->product, "lamp");
    strcpy(s->name, f->object.name);
    memcpy(s->sha256, f->object.sha256, sizeof(s->sha256));
    sign(key, s, XN_SEAL_SIGNED, s->signature);
    f->is_sealed = true;
}

void sealed_data(const char *name, uint32_t type, uint32_t n, uint32_t seed,
                        uint32_t counter) {
    data_file(&scratch, name, type, n, seed);
    seal_file(&scratch, counter, sealed_keys[1]);
}

void sealed_blob(const char *name, uint32_t which, uint32_t counter) {
    blob_file(&scratch, name, which);
    seal_file(&scratch, counter, sealed_keys[1]);
}

bool is_here(const file *f) {
    xn_store_object o;
    return is_current(f) && xn_store_find(f->object.name, &o) == XN_OK && o.seal != 0 &&
           memcmp(xn_host.bytes + o.seal, &f->seal, sizeof(f->seal)) == 0;
}

int put_sealed(bool activate, uint32_t confirm_s) {
    return is_here(&scratch) ? XN_OK : install(&scratch, activate, confirm_s, 0);
}

// ---- Policies ---------------------------------------------------------------------------------

xn_policy policy_of(enum xn_policy_state state, uint32_t first, uint32_t second) {
    xn_policy policy;
    memset(&policy, 0, sizeof(policy));
    policy.state = (uint16_t)state;
    strcpy(policy.product, "lamp");
    memcpy(policy.keys[0], sealed_keys[first], 32);
    memcpy(policy.keys[1], sealed_keys[second], 32);
    return policy;
}

int keep_policy(enum xn_policy_state state, uint32_t first, uint32_t second) {
    xn_policy policy = policy_of(state, first, second);
    const xn_policy *now_kept = &xn_index_now.policy;
    return xn_index_now.has_policy && now_kept->state == policy.state &&
                   memcmp(now_kept->keys, policy.keys, sizeof(policy.keys)) == 0
               ? XN_OK
               : xn_store_keep_policy(&policy);
}
