// Bundles: one object of the store that holds others in place; the bytes are those of
// docs/SPEC-bundle.md.
#ifndef XN_BUNDLE_H
#define XN_BUNDLE_H

#include <stdint.h>

#include "store/xn_store_types.h"

#define XN_BUNDLE_MAGIC 0x44425058u // "XPBD"
#define XN_BUNDLE_VERSION 1u        // minor << 8 | major
#define XN_BUNDLE_MEMBERS 16u       // at most
#define XN_BUNDLE_ALIGN 4096u       // of members: what hosts hash, and as far as a step may read

typedef struct xn_bundle_header {
    uint32_t magic;
    uint16_t version; // major, minor
    uint16_t count;   // of the rows that follow
    uint32_t size;    // bytes of the whole
    uint32_t reserved;
} xn_bundle_header;

typedef struct xn_bundle_row {
    char name[XN_STORE_NAME_MAX + 1]; // without '/'
    uint8_t sha256[32];
    uint32_t type; // enum xn_store_type: blob, script or data
    uint32_t offset;
    uint32_t size;
} xn_bundle_row;

_Static_assert(sizeof(xn_bundle_header) == 16u && sizeof(xn_bundle_row) == 84u, "SPEC-bundle");

// Checks header and rows of n bytes at an address that is a multiple of 4: how many members there
// are, or XN_E_BUNDLE with the offset of the field that breaks a rule.
int xn_bundle_check(const uint8_t *bytes, uint32_t n);
// A member as an object of its own, named BUNDLE/MEMBER, with the bundle's version and seal.
// Found by its own name, or by its number if that is NULL. XN_E_NOT_FOUND: there is none.
int xn_bundle_member(const xn_store_object *bundle, uint32_t index, const char *name,
                     xn_store_object *member);

#endif
