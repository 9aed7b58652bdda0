// XIPNET_FLASH=stm32_qspi: a part of a NOR chip at an STM32's QUADSPI, by upstream's
// drivers/memory/spiflash.c and ports/stm32/qspi.c. XN_USER_FLASH_START is an offset in the chip.
//
// While it erases or programs, the chip is not mapped, and a touch of it is a fault: the firmware,
// its interrupts and its DMA must not be in it. Nothing else is stopped in that time: the UART
// goes on receiving.
#include "ports/flash/region.h"

#include "drivers/memory/spiflash.h"
#include "qspi.h"

#define PAGE_BYTES 256u

// The chip, if the board uses it itself, as STM32F769DISC has spi_bdev.spiflash; else it is ours.
#ifdef XN_USER_SPIFLASH
#include "py/obj.h"

#include "storage.h"

static mp_spiflash_t *chip(void) {
    return &XN_USER_SPIFLASH;
}
#else
static mp_spiflash_t *chip(void) {
    static const mp_spiflash_config_t config = {.bus_kind = MP_SPIFLASH_BUS_QSPI,
                                                .bus.u_qspi.proto = &qspi_proto};
    static mp_spiflash_t spiflash = {.config = &config};
    static bool ready;
    if (!ready) {
        ready = true;
        mp_spiflash_init(&spiflash); // leaves it mapped
    }
    return &spiflash;
}
#endif

// Where it is mapped to.
#ifndef XN_USER_SPIFLASH_MAP
#define XN_USER_SPIFLASH_MAP QSPI_MAP_ADDR
#endif

const xn_port_flash *xn_port_flash_geometry(void) {
    static const xn_port_flash geometry = {.size_bytes = XN_REGION_BYTES,
                                           .sector_bytes = MP_SPIFLASH_ERASE_BLOCK_SIZE,
                                           .page_bytes = PAGE_BYTES,
                                           .program_bytes = 1};
    return &geometry;
}

// A board that uses the chip has its file system at the start. Firmware in it is not known.
uint32_t xn_port_flash_taken_until(void) {
#if defined(XN_USER_SPIFLASH) && defined(MICROPY_HW_BDEV_SPIFLASH_SIZE_BYTES)
    const xn_region_part files = {0, MICROPY_HW_BDEV_SPIFLASH_SIZE_BYTES};
    return xn_region_taken_until(&files, 1);
#else
    return 0;
#endif
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    (void)chip();
    return (const uint8_t *)((uintptr_t)XN_USER_SPIFLASH_MAP + XN_REGION_START + offset);
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    return xn_region_read(offset, to, n);
}

// The driver forgets what the caches hold of the range.
int xn_port_flash_erase(uint32_t offset) {
    if (!xn_region_has(offset, MP_SPIFLASH_ERASE_BLOCK_SIZE) ||
        offset % MP_SPIFLASH_ERASE_BLOCK_SIZE != 0) {
        return XN_E_RANGE;
    }
    return mp_spiflash_erase_block(chip(), XN_REGION_START + offset) == 0 ? XN_OK : XN_E_FLASH;
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    static uint8_t page[PAGE_BYTES]; // `from` may be in the chip, which is not mapped then
    if (!xn_region_has(offset, n) || n > PAGE_BYTES - offset % PAGE_BYTES) {
        return XN_E_RANGE;
    }
    memcpy(page, from, n);
    int status = mp_spiflash_write(chip(), XN_REGION_START + offset, n, page);
    return status == 0 ? XN_OK : XN_E_FLASH;
}
