// Ed25519 signatures (RFC 8032, with SHA-512, without a context).
#ifndef XN_ED25519_H
#define XN_ED25519_H

#include <stdbool.h>
#include <stdint.h>

#define XN_ED25519_SIGNATURE_BYTES 64u
#define XN_ED25519_KEY_BYTES 32u

// True: the signature of the message's n bytes is by the key's owner. Refused beside wrong ones: a
// key of small order, with which anybody could sign anything; an R or S that is not reduced (y >=
// p, S >= L), so nobody can make a second signature of one. All is public: the time depends on it.
bool xn_ed25519_check(const uint8_t signature[64], const uint8_t key[32], const uint8_t *message,
                      uint32_t n);

// The time and the addresses that are read do not depend on the seed in these two, and what is kept
// of it on the stack is wiped.
// The public key of a seed, 32 random bytes that are the secret.
void xn_ed25519_public(const uint8_t seed[32], uint8_t key[32]);
// The signature may lie in the message.
void xn_ed25519_sign(const uint8_t seed[32], const uint8_t *message, uint32_t n,
                     uint8_t signature[64]);

#endif
