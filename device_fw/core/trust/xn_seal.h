// A seal over an object: the bytes of docs/SPEC-manifest.md.
#ifndef XN_SEAL_H
#define XN_SEAL_H

#include <stdint.h>

#include "base/xn_sha256.h"

#define XN_SEAL_MAGIC "XPSEAL1" // with its ending 0
#define XN_SEAL_SIGNED 128u     // bytes that the signature is over

typedef struct xn_seal {
    char magic[8];
    uint8_t kind; // enum xn_store_type
    uint8_t flags;
    uint16_t reserved;
    uint32_t counter;
    uint32_t minimum_firmware;
    uint32_t size;
    uint32_t key_id;
    uint32_t reserved2;
    char product[16];
    char name[40];
    uint8_t sha256[32];
    uint8_t reserved3[8];
    uint8_t signature[64];
} xn_seal;

_Static_assert(sizeof(xn_seal) == 192u, "seal");

// What a seal is to be for.
typedef struct xn_seal_subject {
    uint32_t type; // enum xn_store_type
    const char *name;
    uint32_t size;
    const uint8_t *sha256;
    uint32_t floor; // of the security counter, 0: none
} xn_seal_subject;

// Checks a seal against the policy that holds, in the order of the specification: XN_OK, XN_E_SEAL
// or XN_E_COUNTER, with the rule in words. The object's bytes are not looked at.
int xn_seal_check(const xn_seal *seal, const xn_seal_subject *subject);

#endif
