// XIPNET_FLASH=stm32_internal: a part of an STM32's internal flash, by the functions of upstream's
// ports/stm32/flash.c. XN_USER_FLASH_START is an address, where a sector begins.
//
// A bank that erases stalls the core at its next fetch from it: 1 to 2 s for 128 KB. With
// MICROPY_HW_ENABLE_ISR_UART_FLASH_FUNCS_IN_RAM=1, as most of upstream's boards have it, its UART
// goes on receiving; without it, bytes that come in this time are lost, and the host repeats them.
#include "ports/flash/region.h"

#include "py/mphal.h"

#include "flash.h"

#define PAGE_BYTES 256u // this flash has none: what a program call is cut to

#if defined(STM32F0) || defined(STM32F4) || defined(STM32F7)
#define UNIT_BYTES 4u
#elif defined(STM32G0) || defined(STM32G4) || defined(STM32L4) || defined(STM32WB) ||              \
    defined(STM32WL)
#define UNIT_BYTES 8u // with a check of its own, so it is written once
#elif defined(STM32H5) || defined(STM32U5)
#define UNIT_BYTES 16u
#elif defined(STM32H7)
#define UNIT_BYTES (4u * FLASH_NB_32BITWORD_IN_FLASHWORD)
#elif defined(STM32L0) || defined(STM32L1)
#error "the flash of an STM32L0 or L1 erases to 00, and the store needs FF"
#else
#error "this STM32 is not known to have internal flash that the store can use"
#endif

#define END (XN_REGION_START + XN_REGION_BYTES)

// The size that all sectors of the region have; 0, which the start refuses, if they differ or the
// region begins or ends within one.
static uint32_t sector_bytes(void) {
    uint32_t size = 0, at = XN_REGION_START;
    while (at < END) {
        uint32_t start, one;
        if (flash_get_sector_info(at, &start, &one) < 0 || start != at ||
            (size != 0 && one != size)) {
            return 0;
        }
        size = one;
        at += one;
    }
    return at == END ? size : 0;
}

const xn_port_flash *xn_port_flash_geometry(void) {
    static xn_port_flash geometry = {
        .size_bytes = XN_REGION_BYTES, .page_bytes = PAGE_BYTES, .program_bytes = UNIT_BYTES};
    if (geometry.sector_bytes == 0) {
        geometry.sector_bytes = sector_bytes();
    }
    return &geometry;
}

// Of upstream's linker scripts; the file system's are not in all.
extern uint8_t _sidata[], _sdata[], _edata[];
extern uint8_t _micropy_hw_internal_flash_storage_start[] __attribute__((weak));
extern uint8_t _micropy_hw_internal_flash_storage_end[] __attribute__((weak));

// The firmware is all from the vectors to where .data is copied from, but for the hole that a file
// system may have in it, whoever uses that. A boot loader before the vectors is not known.
uint32_t xn_port_flash_taken_until(void) {
    uintptr_t end = (uintptr_t)_sidata + ((uintptr_t)_edata - (uintptr_t)_sdata);
    uintptr_t files = (uintptr_t)_micropy_hw_internal_flash_storage_start;
    uintptr_t files_end = (uintptr_t)_micropy_hw_internal_flash_storage_end;
    bool hole = MICROPY_HW_VTOR < files && files_end < end;
    const xn_region_part parts[] = {
        {MICROPY_HW_VTOR, hole ? files : end},
        {hole ? files_end : end, end},
#if MICROPY_HW_ENABLE_INTERNAL_FLASH_STORAGE
        {files, files_end},
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

// What caches hold of flash that was changed.
static int changed(uint32_t offset, uint32_t n, int status) {
#if defined(STM32H5) || defined(STM32U5)
    HAL_ICACHE_Invalidate();
#endif
    xn_port_sync_code(xn_port_flash_map(offset), n);
    return status == 0 ? XN_OK : XN_E_FLASH;
}

int xn_port_flash_erase(uint32_t offset) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    if (sector == 0 || !xn_region_has(offset, sector) || offset % sector != 0) {
        return XN_E_RANGE;
    }
    return changed(offset, sector, flash_erase(XN_REGION_START + offset));
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    // `from` may be in this flash, and anywhere; upstream reads double words.
    static uint32_t page[PAGE_BYTES / 4u] __attribute__((aligned(8)));
    if (!xn_region_has(offset, n) || n > sizeof page || (offset | n) % UNIT_BYTES != 0) {
        return XN_E_RANGE;
    }
    memcpy(page, from, n);
    return changed(offset, n, flash_write(XN_REGION_START + offset, page, n / 4u));
}
