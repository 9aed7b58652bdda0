// New bytes as changes of old ones of the same length: docs/SPEC-wire.md, section 7.
#ifndef XN_PATCH_H
#define XN_PATCH_H

#include <stdint.h>

#include "base/xn_reader.h"

#define XN_PATCH_BLOCK 256u

typedef struct xn_patch {
    xn_reader bytes;
    uint32_t bits;  // taken from `bytes`, not used yet; the next one is the lowest
    uint32_t count; // of these
} xn_patch;

void xn_patch_begin(xn_patch *patch, const uint8_t *bytes, uint32_t n);
// The next block, n bytes of at most XN_PATCH_BLOCK: `block` holds the old bytes before and the
// new ones after.
int xn_patch_next(xn_patch *patch, uint8_t *block, uint32_t n);
// After the last block: XN_E_PARAMS if the patch goes on.
int xn_patch_end(const xn_patch *patch);

#endif
