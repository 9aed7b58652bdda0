// Whose objects the board takes: docs/SPEC-trust.md, section 1. The open build takes everything.
#ifndef XN_POLICY_H
#define XN_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define XN_POLICY_KEYS 2u
#define XN_POLICY_PRODUCT_MAX 15u // bytes, the ending 0 not counted

enum xn_policy_state {
    XN_POLICY_OPEN = 0,
    XN_POLICY_WARN = 1,
    XN_POLICY_LOCKED = 2,
    XN_POLICY_COUNTED = 3,
};

enum xn_policy_flag {
    XN_POLICY_READS = 1, // hosts may read models and results
};

typedef struct xn_policy {
    uint16_t state; // enum xn_policy_state
    char product[XN_POLICY_PRODUCT_MAX + 1u];
    uint8_t keys[XN_POLICY_KEYS][32]; // Ed25519; all 0: none
    uint32_t flags;                   // enum xn_policy_flag
} xn_policy;

#if XN_LOCKABLE

// The one that holds: the log's or, if there is none or its state is less than the firmware's, the
// firmware's; without the development key if that does not count.
const xn_policy *xn_policy_now(void);
// A record of the log, read when the store is mounted; NULL: there is none.
void xn_policy_take(const xn_policy *policy);
// Whether the board is locked and no order unlocked it since its start.
bool xn_policy_locked(void);
void xn_policy_unlock(void);
bool xn_policy_unlocked(void);
// The key of a seal or an order, by its id: NULL if the policy has none.
const uint8_t *xn_policy_key(uint32_t key_id);
uint32_t xn_policy_key_id(const uint8_t key[32]);
bool xn_policy_is_key(const uint8_t key[32]);         // false: all 0, there is none
bool xn_policy_is_development(const uint8_t key[32]); // whose secret everybody knows

#else

static inline bool xn_policy_locked(void) {
    return false;
}

#endif
#endif
