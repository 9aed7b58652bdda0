// The store, in the flash that the firmware is in.
#include "ports/flash/region.h"

#include "hardware/flash.h"
#include "hardware/sync.h"
#include "pico/multicore.h"
#include "pico/platform.h"
#include "py/mpstate.h"
#include "py/mpthread.h"
#include "rp2_flash.h"

const xn_port_flash *xn_port_flash_geometry(void) {
    static const xn_port_flash geometry = {
        .size_bytes = XN_REGION_BYTES,
        .sector_bytes = FLASH_SECTOR_SIZE,
        .page_bytes = FLASH_PAGE_SIZE,
        .program_bytes = 1, // the rest of a page is programmed as FF, which changes nothing
    };
    return &geometry;
}

#ifndef MICROPY_HW_FLASH_STORAGE_BASE // as the port has it
#define MICROPY_HW_FLASH_STORAGE_BASE (PICO_FLASH_SIZE_BYTES - MICROPY_HW_FLASH_STORAGE_BYTES)
#endif

extern uint8_t __flash_binary_end[]; // of the linker script

uint32_t xn_port_flash_taken_until(void) {
    const uintptr_t files = MICROPY_HW_FLASH_STORAGE_BASE;
    const xn_region_part parts[] = {
        {0, (uintptr_t)__flash_binary_end - XIP_BASE},
        {files, files + MICROPY_HW_FLASH_STORAGE_BYTES},
    };
    return xn_region_taken_until(parts, sizeof parts / sizeof parts[0]);
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    return (const uint8_t *)(uintptr_t)(XIP_BASE + XN_REGION_START + offset);
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    return xn_region_read(offset, to, n);
}

// While it changes nothing can be executed from this flash, by no interrupt and not by the other
// core. What the host sends waits in its own buffers.
static uint32_t begin_change(void) {
    // A core that was stopped still counts as one that listens; that it has no entry tells.
    if (multicore_lockout_victim_is_initialized(1 - get_core_num()) && core1_entry != NULL) {
        multicore_lockout_start_blocking();
    }
    return save_and_disable_interrupts();
}

static void end_change(uint32_t state) {
    restore_interrupts(state);
    if (multicore_lockout_victim_is_initialized(1 - get_core_num()) && core1_entry != NULL) {
        multicore_lockout_end_blocking();
    }
    rp2_flash_set_timing(); // the boot ROM leaves the slowest
}

int xn_port_flash_erase(uint32_t offset) {
    if (!xn_region_has(offset, FLASH_SECTOR_SIZE) || offset % FLASH_SECTOR_SIZE != 0) {
        return XN_E_RANGE;
    }
    uint32_t state = begin_change();
    flash_range_erase(XN_REGION_START + offset, FLASH_SECTOR_SIZE);
    end_change(state);
    return XN_OK;
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    static uint8_t page[FLASH_PAGE_SIZE]; // `from` may be in the flash itself
    uint32_t within = offset % FLASH_PAGE_SIZE;
    if (!xn_region_has(offset, n) || n > FLASH_PAGE_SIZE - within) {
        return XN_E_RANGE;
    }
    memset(page, 0xFF, sizeof page);
    memcpy(page + within, from, n);
    uint32_t state = begin_change();
    flash_range_program(XN_REGION_START + offset - within, page, sizeof page);
    end_change(state);
    return XN_OK;
}
