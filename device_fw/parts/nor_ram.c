// NOR flash played by memory, which outlives the machine or, with XN_FLASH_ENDS_WITH_POWER, is
// blank whenever that starts. It is read and executed in place, and changed by the rules of real
// flash; what these forbid is refused, since flash would corrupt it.
#include "core/base/xn_port.h"
#include "core/base/xn_status.h"
#include "parts/nor.h"

#include <string.h>

#define ERASED 0xFFu

// As a chip with smaller sectors for the log (xn_port.h).
#ifdef XN_FLASH_LOG_BYTES
#define LOG_BYTES XN_FLASH_LOG_BYTES
#define LOG_SECTOR_BYTES XN_FLASH_LOG_SECTOR_BYTES
#else
#define LOG_BYTES 0u
#define LOG_SECTOR_BYTES 0u
#endif

static const xn_port_flash geometry = {
    .size_bytes = XN_NOR_STORE_BYTES,
    .sector_bytes = XN_NOR_SECTOR_BYTES,
    .page_bytes = XN_NOR_PAGE_BYTES,
    .program_bytes = 1,
    .log_bytes = LOG_BYTES,
    .log_sector_bytes = LOG_SECTOR_BYTES,
};

static uint8_t *at(uint32_t offset) {
    return (uint8_t *)(uintptr_t)(XN_FLASH_BASE + offset);
}

// Whether n bytes at offset are within the first `size` of the flash.
static int inside(uint32_t offset, uint32_t n, uint32_t size) {
    return offset <= size && n <= size - offset;
}

int xn_nor_read(uint32_t offset, void *to, uint32_t n) {
    if (!inside(offset, n, XN_FLASH_BYTES)) {
        return XN_E_RANGE;
    }
    memcpy(to, at(offset), n);
    return 0;
}

int xn_nor_erase(uint32_t offset) {
    bool of_log = offset < LOG_BYTES;
    uint32_t n = of_log ? LOG_SECTOR_BYTES : XN_NOR_SECTOR_BYTES;
    uint32_t start = of_log ? 0 : LOG_BYTES;
    if (!inside(offset, n, XN_FLASH_BYTES) || (offset - start) % n != 0) {
        return XN_E_RANGE;
    }
    memset(at(offset), ERASED, n);
    return 0;
}

int xn_nor_program(uint32_t offset, const void *from, uint32_t n) {
    const uint8_t *byte = from;
    if (!inside(offset, n, XN_FLASH_BYTES)) {
        return XN_E_RANGE;
    }
    if (n > XN_NOR_PAGE_BYTES - offset % XN_NOR_PAGE_BYTES) {
        return XN_E_RANGE; // would wrap within the page
    }
    for (uint32_t i = 0; i < n; i++) {
        if (at(offset)[i] != ERASED && byte[i] != ERASED) {
            return XN_E_FLASH; // programmed twice between erases
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        at(offset)[i] &= byte[i];
    }
    return 0;
}

void xn_nor_ram_start(void) {
#if XN_FLASH_ENDS_WITH_POWER
    if (xn_port_boot_report()->cause == XN_PORT_BOOT_POWER) {
        memset(at(0), ERASED, XN_FLASH_BYTES);
    }
#endif
}

// ---- The store's region -------------------------------------------------------------------------

const xn_port_flash *xn_port_flash_geometry(void) {
    return &geometry;
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    return inside(offset, n, XN_NOR_STORE_BYTES) ? xn_nor_read(offset, to, n) : XN_E_RANGE;
}

int xn_port_flash_erase(uint32_t offset) {
    return offset < XN_NOR_STORE_BYTES ? xn_nor_erase(offset) : XN_E_RANGE;
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    return inside(offset, n, XN_NOR_STORE_BYTES) ? xn_nor_program(offset, from, n) : XN_E_RANGE;
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    return at(offset);
}
