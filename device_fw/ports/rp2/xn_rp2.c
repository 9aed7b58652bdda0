// The store, in the flash that the firmware is in.
#include "core/base/xn_port.h"
#include "core/base/xn_status.h"

#include "hardware/flash.h"
#include "hardware/sync.h"
#include "pico/multicore.h"
#include "pico/platform.h"
#include "py/mpstate.h"
#include "py/mpthread.h"
#include "rp2_flash.h"

#include <string.h>

// Between the firmware and MicroPython's file system; mpconfigboard.cmake says where.
#define STORE_OFFSET XN_USER_FLASH_START
#define STORE_BYTES XN_USER_FLASH_BYTES

#if XN_LOCKABLE
extern const uint8_t __flash_binary_start[], __flash_binary_end[]; // of the linker script

bool xn_port_image(uint32_t part, const uint8_t **at, uint32_t *bytes) {
    *at = __flash_binary_start;
    *bytes = (uint32_t)(__flash_binary_end - __flash_binary_start);
    return part == 0;
}
#endif

const xn_port_flash *xn_port_flash_geometry(void) {
    static const xn_port_flash geometry = {
        .size_bytes = STORE_BYTES,
        .sector_bytes = FLASH_SECTOR_SIZE,
        .page_bytes = FLASH_PAGE_SIZE,
        .program_bytes = 1, // the rest of a page is programmed as FF, which changes nothing
    };
    return &geometry;
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    return (const uint8_t *)(uintptr_t)(XIP_BASE + STORE_OFFSET + offset);
}

static bool inside(uint32_t offset, uint32_t n) {
    return offset <= STORE_BYTES && n <= STORE_BYTES - offset;
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    if (!inside(offset, n)) {
        return XN_E_RANGE;
    }
    memcpy(to, xn_port_flash_map(offset), n);
    return XN_OK;
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
    if (!inside(offset, FLASH_SECTOR_SIZE) || offset % FLASH_SECTOR_SIZE != 0) {
        return XN_E_RANGE;
    }
    uint32_t state = begin_change();
    flash_range_erase(STORE_OFFSET + offset, FLASH_SECTOR_SIZE);
    end_change(state);
    return XN_OK;
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    static uint8_t page[FLASH_PAGE_SIZE]; // `from` may be in the flash itself
    uint32_t within = offset % FLASH_PAGE_SIZE;
    if (!inside(offset, n) || n > FLASH_PAGE_SIZE - within) {
        return XN_E_RANGE;
    }
    memset(page, 0xFF, sizeof page);
    memcpy(page + within, from, n);
    uint32_t state = begin_change();
    flash_range_program(STORE_OFFSET + offset - within, page, sizeof page);
    end_change(state);
    return XN_OK;
}
