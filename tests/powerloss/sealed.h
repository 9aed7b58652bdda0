// Sealed files and policies, for tests in which the power fails. Signatures cost nothing: whether the
// curve is computed right is not what a cut asks.
#ifndef SEALED_H
#define SEALED_H

#include "cuts.h"

extern const uint8_t sealed_keys[3][32];

void seal_file(file *f, uint32_t counter, const uint8_t key[32]);
// Makes `scratch` such a file, sealed by the second key.
void sealed_data(const char *name, uint32_t type, uint32_t n, uint32_t seed, uint32_t counter);
void sealed_blob(const char *name, uint32_t which, uint32_t counter);
// Whether the bytes are current, with this seal.
bool is_here(const file *f);
int put_sealed(bool activate, uint32_t confirm_s); // `scratch`, unless it is here
xn_policy policy_of(enum xn_policy_state state, uint32_t first, uint32_t second);
// Of these keys, unless it holds already.
int keep_policy(enum xn_policy_state state, uint32_t first, uint32_t second);

#endif
