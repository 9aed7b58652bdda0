// XIPNET_FLASH=nrf: a part of the internal flash of an nRF52 or nRF91, by upstream's
// ports/nrf/drivers/flash.h: Nordic's driver, or the SoftDevice's calls if there is one.
// XN_USER_FLASH_START is an address.
//
// The core stands still while a page erases (85 ms): a UART without DMA loses what comes then, and
// the host repeats it.
#include "ports/flash/region.h"

#include "drivers/flash.h"

#define PAGE_BYTES 256u // this flash has none: what a program call is cut to
#define UNIT_BYTES 4u   // a word, which may be written twice between erases, not more

#if FLASH_PAGESIZE < 1024
#error "the store needs flash pages of at least 1024 bytes"
#endif

const xn_port_flash *xn_port_flash_geometry(void) {
    static const xn_port_flash geometry = {.size_bytes = XN_REGION_BYTES,
                                           .sector_bytes = FLASH_PAGESIZE,
                                           .page_bytes = PAGE_BYTES,
                                           .program_bytes = UNIT_BYTES};
    return &geometry;
}

extern uint8_t _unused_flash_start[], _fs_start[], _fs_end[]; // of upstream's linker scripts

// What is below the firmware is a SoftDevice's or a boot loader's; one behind the file system is
// not known.
uint32_t xn_port_flash_taken_until(void) {
    const xn_region_part parts[] = {
        {0, (uintptr_t)_unused_flash_start},
#if MICROPY_HW_ENABLE_INTERNAL_FLASH_STORAGE
        {(uintptr_t)_fs_start, (uintptr_t)_fs_end},
#endif
    };
    return xn_region_taken_until(parts, sizeof parts / sizeof parts[0]);
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    return (const uint8_t *)(uintptr_t)(XN_REGION_START + offset);
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    return xn_region_read(offset, to, n);
}

static bool holds(uint32_t offset, const uint8_t *bytes, uint32_t n) {
    return memcmp(xn_port_flash_map(offset), bytes, n) == 0;
}

// Neither driver tells what became of it.
int xn_port_flash_erase(uint32_t offset) {
    if (!xn_region_has(offset, FLASH_PAGESIZE) || offset % FLASH_PAGESIZE != 0) {
        return XN_E_RANGE;
    }
    flash_page_erase(XN_REGION_START + offset);
    const uint8_t *page = xn_port_flash_map(offset);
    for (uint32_t i = 0; i < FLASH_PAGESIZE; i++) {
        if (page[i] != 0xFF) {
            return XN_E_FLASH;
        }
    }
    return XN_OK;
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    static uint32_t page[PAGE_BYTES / 4u]; // `from` has any alignment
    if (!xn_region_has(offset, n) || n > sizeof page || (offset | n) % UNIT_BYTES != 0) {
        return XN_E_RANGE;
    }
    memcpy(page, from, n);
    flash_write_bytes(XN_REGION_START + offset, (const uint8_t *)page, n);
    return holds(offset, (const uint8_t *)page, n) ? XN_OK : XN_E_FLASH;
}
