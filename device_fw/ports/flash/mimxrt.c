// XIPNET_FLASH=mimxrt: a part of the QSPI NOR chip that an i.MX RT runs from, by upstream's
// ports/mimxrt/flash.c. XN_USER_FLASH_START is an offset in the chip.
//
// Upstream's functions are in RAM and lock all interrupts while the chip is busy, 45 to 400 ms for
// a sector: a UART loses what comes then, and the host repeats it; USB makes the host wait.
#include "ports/flash/region.h"

#include "flash.h"

#define SECTOR_BYTES 4096u
#define PAGE_BYTES 256u

const xn_port_flash *xn_port_flash_geometry(void) {
    static xn_port_flash geometry = {
        .size_bytes = XN_REGION_BYTES, .sector_bytes = SECTOR_BYTES, .page_bytes = PAGE_BYTES};
    // A HyperFlash, which erases 256 KB at once, is none of these: refused at the start.
    bool known = SECTOR_SIZE_BYTES == SECTOR_BYTES && PAGE_SIZE_BYTES == PAGE_BYTES;
    geometry.program_bytes = known ? 1 : 0;
    return &geometry;
}

// Of upstream's linker script, as what flash.h names: where all that is copied to RAM ends.
extern uint8_t __FLASH_DATA_END;

uint32_t xn_port_flash_taken_until(void) {
    uintptr_t base = (uintptr_t)&__flash_start;
    const xn_region_part parts[] = {
        {0, (uintptr_t)&__FLASH_DATA_END - base},
        {(uintptr_t)&__vfs_start - base, (uintptr_t)&__vfs_end - base},
    };
    return xn_region_taken_until(parts, sizeof parts / sizeof parts[0]);
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    return (const uint8_t *)((uintptr_t)BOARD_FLEX_SPI_ADDR_BASE + XN_REGION_START + offset);
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    return xn_region_read(offset, to, n);
}

static int changed(uint32_t offset, uint32_t n, status_t status) {
    xn_port_sync_code(xn_port_flash_map(offset), n);
    return status == kStatus_Success ? XN_OK : XN_E_FLASH;
}

int xn_port_flash_erase(uint32_t offset) {
    if (!xn_region_has(offset, SECTOR_BYTES) || offset % SECTOR_BYTES != 0) {
        return XN_E_RANGE;
    }
    return changed(offset, SECTOR_BYTES, flash_erase_sector(XN_REGION_START + offset));
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    static uint32_t page[PAGE_BYTES / 4u]; // `from` may be in the chip, and anywhere
    if (!xn_region_has(offset, n) || n > PAGE_BYTES - offset % PAGE_BYTES) {
        return XN_E_RANGE;
    }
    memcpy(page, from, n);
    const uint8_t *bytes = (const uint8_t *)page;
    return changed(offset, n, flash_write_block(XN_REGION_START + offset, bytes, n));
}
