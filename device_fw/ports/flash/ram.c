// XIPNET_FLASH=ram: memory that follows the rules of flash. Nothing in it outlives a reset. It is
// weak, so a board's own flash, in a file named by XIPNET_PORT_C, takes its place.
#include "core/base/xn_port.h"
#include "core/base/xn_status.h"

#include <stdbool.h>
#include <string.h>

#define WEAK __attribute__((weak))

#ifndef XN_USER_FLASH_BYTES
#define XN_USER_FLASH_BYTES (128u * 1024u)
#endif
#define SECTOR_BYTES 4096u

static uint8_t *flash_at(uint32_t offset) {
    static uint8_t flash[XN_USER_FLASH_BYTES] __attribute__((aligned(SECTOR_BYTES)));
    static bool erased; // as flash is that was never written
    if (!erased) {
        memset(flash, 0xFF, sizeof(flash));
        erased = true;
    }
    return flash + offset;
}

static bool inside(uint32_t offset, uint32_t n) {
    return offset <= XN_USER_FLASH_BYTES && n <= XN_USER_FLASH_BYTES - offset;
}

WEAK const xn_port_flash *xn_port_flash_geometry(void) {
    static const xn_port_flash geometry = {XN_USER_FLASH_BYTES, SECTOR_BYTES, 256, 1, 0, 0};
    return &geometry;
}

WEAK int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    if (!inside(offset, n)) {
        return XN_E_RANGE;
    }
    memcpy(to, flash_at(offset), n);
    return XN_OK;
}

WEAK int xn_port_flash_erase(uint32_t offset) {
    if (!inside(offset, SECTOR_BYTES) || offset % SECTOR_BYTES != 0) {
        return XN_E_RANGE;
    }
    memset(flash_at(offset), 0xFF, SECTOR_BYTES);
    return XN_OK;
}

WEAK int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    if (!inside(offset, n)) {
        return XN_E_RANGE;
    }
    for (uint32_t i = 0; i < n; i++) {
        flash_at(offset)[i] &= ((const uint8_t *)from)[i];
    }
    return XN_OK;
}

WEAK const uint8_t *xn_port_flash_map(uint32_t offset) {
    return flash_at(offset);
}
