// The chip as core/base/xn_port.h wants it: the store in the flash that the firmware is in, time,
// resets with their reason.
#include "core/base/xn_crc32.h"
#include "core/base/xn_port.h"
#include "core/base/xn_status.h"

#include "hardware/flash.h"
#include "hardware/sync.h"
#include "hardware/timer.h"
#include "hardware/watchdog.h"
#include "pico/multicore.h"
#include "pico/platform.h"
#include "py/mpstate.h"
#include "py/mpthread.h"
#include "rp2_flash.h"

#include <stddef.h>
#include <string.h>

// ---- Flash --------------------------------------------------------------------------------------

// Between the firmware and MicroPython's file system; mpconfigboard.cmake says where.
#define STORE_OFFSET XN_USER_FLASH_START
#define STORE_BYTES XN_USER_FLASH_BYTES

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

// ---- Time, locks --------------------------------------------------------------------------------

uint64_t xn_port_time_us(void) {
    return time_us_64();
}

// ---- Why the board started ----------------------------------------------------------------------

#define RECORD_MAGIC 0x32505258u // "XRP2"

// Outlives a reset, but not power. The check tells from what memory holds at power-on.
typedef struct record {
    uint32_t magic;
    xn_port_boot boot;
    uint32_t kept;
    uint32_t check;
} record;

static record __uninitialized_ram(lasting);

static uint32_t check_of(const record *r) {
    return xn_crc32(r, offsetof(record, check));
}

static void keep(uint32_t cause) {
    lasting.magic = RECORD_MAGIC;
    lasting.boot.cause = cause;
    lasting.check = check_of(&lasting);
}

const xn_port_boot *xn_port_boot_report(void) {
    static xn_port_boot boot;
    static bool known;
    if (known) {
        return &boot;
    }
    known = true;
    if (lasting.magic != RECORD_MAGIC || lasting.check != check_of(&lasting)) {
        memset(&lasting, 0, sizeof lasting);
        lasting.boot =
            (xn_port_boot){.cause = XN_PORT_BOOT_POWER, .fault_step = -1, .address = 0xFFFFFFFF};
    }
    boot = lasting.boot;
    lasting.boot.resets++;
    keep(XN_PORT_BOOT_RESET); // what a reset from outside will find
    return &boot;
}

uint32_t xn_port_kept(void) {
    xn_port_boot_report();
    return lasting.kept;
}

void xn_port_keep(uint32_t word) {
    lasting.kept = word;
    keep(XN_PORT_BOOT_RESET);
}

static _Noreturn void reset(void) {
    watchdog_reboot(0, 0, 0);
    for (;;) {
        __asm volatile("wfi");
    }
}

void xn_port_reset(void) {
    reset();
}

// ---- Steps --------------------------------------------------------------------------------------

static volatile int32_t step_now = -1;

// On the port's stack, without an MPU: a fault costs a reset, and the report names the step.
int xn_port_run_step(const xn_port_step *step, xn_port_stop *why) {
    step_now = step->number;
    why->returned = step->function(step->ctx);
    step_now = -1;
    return XN_OK;
}

void isr_hardfault(void); // in place of the SDK's, which waits for a debugger
static _Noreturn void fault(const uint32_t *frame) __attribute__((used));

static _Noreturn void fault(const uint32_t *frame) {
    lasting.boot.pc = frame[6];
    lasting.boot.fault_step = step_now;
    lasting.boot.address = 0xFFFFFFFF; // an Armv6-M does not tell
    keep(XN_PORT_BOOT_FAULT);
    reset();
}

__attribute__((naked)) void isr_hardfault(void) {
    __asm volatile("mrs r0, msp\n"
                   "ldr r1, =fault\n"
                   "bx r1\n");
}
