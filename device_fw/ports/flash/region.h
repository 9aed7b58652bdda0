// The store's region, as the build names it, and what its back ends have in common.
#ifndef XN_REGION_H
#define XN_REGION_H

#include "core/base/xn_port.h"
#include "core/base/xn_status.h"

#include <stdbool.h>
#include <string.h>

// In bytes. The start is an address or an offset in the chip: each back end says which.
// MicroPython's search for names (NO_QSTR) preprocesses all without our flags.
#if !defined(NO_QSTR) && (!defined(XN_USER_FLASH_START) || !defined(XN_USER_FLASH_BYTES))
#error "XIPNET_CFLAGS must say -DXN_USER_FLASH_START= and -DXN_USER_FLASH_BYTES= (docs/PORTING.md)"
#endif
#define XN_REGION_START ((uint32_t)(XN_USER_FLASH_START))
#define XN_REGION_BYTES ((uint32_t)(XN_USER_FLASH_BYTES))

_Static_assert(XN_REGION_START % 1024u == 0 && XN_REGION_BYTES % 1024u == 0 &&
                   XN_REGION_BYTES > 0 && XN_REGION_BYTES <= 0xFFFFFFFFu - XN_REGION_START,
               "XN_USER_FLASH_START and XN_USER_FLASH_BYTES must be whole sectors");

// Whether the region has [offset, offset + n).
static inline bool xn_region_has(uint32_t offset, uint32_t n) {
    return offset <= XN_REGION_BYTES && n <= XN_REGION_BYTES - offset;
}

// What else is in this flash, counted as the region's start: the firmware, a file system. Empty if
// the end is not behind the start.
typedef struct xn_region_part {
    uintptr_t start, end;
} xn_region_part;

// The highest end of the parts that reach into the region, 0: none does.
static inline uint32_t xn_region_taken_until(const xn_region_part *parts, uint32_t n) {
    uintptr_t until = 0;
    for (uint32_t i = 0; i < n; i++) {
        const xn_region_part *p = parts + i;
        if (p->start < p->end && p->start < XN_REGION_START + XN_REGION_BYTES &&
            p->end > XN_REGION_START && p->end > until) {
            until = p->end;
        }
    }
    return (uint32_t)until;
}

// Reads what is mapped.
static inline int xn_region_read(uint32_t offset, void *to, uint32_t n) {
    if (!xn_region_has(offset, n)) {
        return XN_E_RANGE;
    }
    memcpy(to, xn_port_flash_map(offset), n);
    return XN_OK;
}

#endif
