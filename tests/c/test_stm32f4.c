// parts/clock_stm32f4.c, pins_stm32.c and flash_stm32f4.c, board.c and its clock, built for this
// machine, on the model of the chip: with the facts of a board's TOML, and what the chip may do to
// them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/cortexm/clock.h"
#include "arch/cortexm/cpu.h"
#include "check.h"
#include "core/base/xn_port.h"
#include "core/base/xn_status.h"
#include "core/store/xn_flash.h"
#include "stm32f4_model.h"

void xn_clock_stm32f4_start(void);
void xn_pins_stm32_start(void);
void xn_flash_stm32f4_start(void);

static bool deferred;

uint32_t xn_cpu_defer(void) {
    CHECK(!deferred);
    deferred = true;
    return 7u;
}

void xn_cpu_resume(uint32_t state) {
    CHECK(deferred && state == 7u);
    deferred = false;
}

uint64_t xn_port_time_us(void) {
    return model_us();
}

// What board.c and the clock want beside the parts under test.
uint32_t xn_port_lock(void) {
    return 0;
}

void xn_port_unlock(uint32_t state) {
    (void)state;
}

void xn_fault_start(void) {}

void xn_uart_stm32_v1_start(void);
void xn_uart_stm32_v1_interrupt(void);

void xn_uart_stm32_v1_start(void) {}

void xn_uart_stm32_v1_interrupt(void) {}

static const model_chip good = {
    .max_hz = TEST_MAX_HZ,
    .apb1_max_hz = TEST_APB1_MAX_HZ,
    .apb2_max_hz = TEST_APB2_MAX_HZ,
    .has_over_drive = TEST_OVER_DRIVE,
    .millivolts = XN_FLASH_MILLIVOLTS,
};

// The core and its buses have what the board says that they have: `hello` by its identity, the line
// by its divider.
static void expect_clock(model_chip chip, uint32_t hz) {
    xn_clock_slow(XN_CLOCK_HZ); // as after a reset
    model_start(&chip, 0xFF);
    xn_clock_stm32f4_start();
    CHECK(model_hz() == hz);
    CHECK(xn_port_identity()->hz == hz);
    CHECK(model_apb1_hz() == xn_clock_bus_hz(XN_UART_HZ));
}

static void test_clock(void) {
    model_chip chip = good;
    expect_clock(chip, XN_CLOCK_HZ);
    CHECK(model_register(0x40023804) & 1u << 22);
    CHECK((model_register(0x40023C00) & 0x700u) == 0x700u); // prefetch and both caches
    chip.no_external = true;
    expect_clock(chip, XN_CLOCK_HZ); // from the internal oscillator
    CHECK(!(model_register(0x40023804) & 1u << 22));
    CHECK(!(model_register(0x40023800) & 1u << 16));
    chip = good;
    chip.pll_runs = true;
    expect_clock(chip, XN_CLOCK_HZ);
    chip = good;
    chip.revision_a = true;
    expect_clock(chip, XN_CLOCK_HZ);
    CHECK((model_register(0x40023C00) & 0x700u) == 0x600u);
    chip = good;
    chip.no_pll = true;
    expect_clock(chip, 16000000u);
    chip.no_external = true;
    expect_clock(chip, 16000000u);
}

static void test_no_rcc(void) {
    model_chip chip = {.no_rcc = true};
    xn_clock_slow(XN_CLOCK_HZ);
    model_start(&chip, 0xFF);
    xn_clock_stm32f4_start();
    CHECK(xn_port_identity()->hz == XN_CLOCK_HZ && model_register(0x40023808) == 0);
}

static uint32_t field(uint32_t pin, uint32_t offset, uint32_t bits) {
    uint32_t port = 0x40020000u + 0x400u * (pin >> 4);
    uint32_t shift = bits * (pin & 15u);
    return model_register(port + offset + shift / 32u * 4u) >> shift % 32u & ((1u << bits) - 1u);
}

static void test_pins(void) {
    static const uint32_t pins[] = {XN_PINS_TX, XN_PINS_RX};
    model_start(&good, 0xFF);
    xn_pins_stm32_start();
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(field(pins[i], 0x00, 2) == 2 && field(pins[i], 0x20, 4) == 7);
        CHECK(field(pins[i], 0x0C, 2) == 1);
    }
    CHECK(model_register(XN_PINS_UART_CLOCK) == 1u << XN_PINS_UART_CLOCK_BIT);
}

// ---- Flash --------------------------------------------------------------------------------------

static void start_flash(model_chip chip, uint8_t fill) {
    model_start(&chip, fill);
    xn_stm32_write(0x40023C00, 5u | 7u << 8);
    xn_flash_stm32f4_start();
}

static void expect_locked(void) {
    CHECK(model_register(0x40023C10) >> 31 == 1 && !deferred && !model_is_stale());
    CHECK((model_register(0x40023C00) & 0x1F00u) == 0x700u);
}

static void fill_pattern(uint8_t *bytes, uint32_t n, uint32_t seed) {
    for (uint32_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24);
    }
}

static void test_every_sector(void) {
    static const uint8_t numbers[] = {XN_FLASH_SECTORS};
    uint32_t size = xn_port_flash_geometry()->size_bytes;
    uint32_t page = xn_port_flash_geometry()->page_bytes;
    uint32_t offset = 0;
    uint8_t bytes[256], seen[256];
    for (uint32_t i = 0; i < sizeof(numbers); i++) {
        uint32_t bytes_of = numbers[i] < 4 ? 16384 : numbers[i] == 4 ? 65536 : 131072;
        uint32_t address = numbers[i] < 5 ? 0x08000000u + numbers[i] * 16384u
                                          : 0x08000000u + (numbers[i] - 4u) * 131072u;
        start_flash(good, 0);
        CHECK((uintptr_t)xn_port_flash_map(offset) == address);
        CHECK(xn_port_flash_erase(offset) == XN_OK);
        expect_locked();
        const uint8_t *all = (const uint8_t *)(uintptr_t)0x08000000u; // what lies beside stays
        for (uint32_t at = 0; at < 0x100000u; at++) {
            CHECK(all[at] == (at - (address - 0x08000000u) < bytes_of ? 0xFF : 0));
        }
        fill_pattern(bytes, page, i);
        CHECK(xn_port_flash_program(offset + bytes_of - page, bytes, page) == XN_OK);
        expect_locked();
        CHECK(xn_port_flash_read(offset + bytes_of - page, seen, page) == XN_OK);
        CHECK(memcmp(bytes, seen, page) == 0);
        CHECK(memcmp(xn_port_flash_map(offset + bytes_of - page), bytes, page) == 0);
        offset += bytes_of;
    }
    CHECK(offset == size);
    CHECK(xn_flash_check() == XN_OK);
}

static void test_source_in_flash(void) {
    uint8_t bytes[64];
    start_flash(good, 0xFF);
    fill_pattern(bytes, sizeof(bytes), 5);
    CHECK(xn_port_flash_program(0, bytes, sizeof(bytes)) == XN_OK);
    CHECK(xn_port_flash_program(256, xn_port_flash_map(1), 60) == XN_OK); // and at an odd address
    CHECK(memcmp(xn_port_flash_map(256), bytes + 1, 60) == 0);
}

static void test_refused(void) {
    uint32_t size = xn_port_flash_geometry()->size_bytes;
    uint8_t bytes[512] = {0};
    start_flash(good, 0xFF);
    CHECK(xn_port_flash_erase(size) == XN_E_RANGE);
    CHECK(xn_port_flash_erase(4096) == XN_E_RANGE);
    CHECK(xn_port_flash_program(size, bytes, 4) == XN_E_RANGE);
    CHECK(xn_port_flash_program(128, bytes, 256) == XN_E_RANGE); // two pages
    CHECK(xn_port_flash_program(2, bytes, 4) == XN_E_RANGE);
    CHECK(xn_port_flash_program(0, bytes, 3) == XN_E_RANGE);
    CHECK(xn_port_flash_read(size - 4, bytes, 8) == XN_E_RANGE);
    CHECK(xn_port_flash_read(UINT32_MAX, bytes, 8) == XN_E_RANGE);
}

static void test_failures(void) {
    uint8_t bytes[4] = {1, 2, 3, 4};
    model_chip chip = good;
    chip.protected_sectors = 0xFFF;
    start_flash(chip, 0xFF);
    CHECK(xn_port_flash_erase(0) == XN_E_FLASH);
    expect_locked();
    CHECK(xn_port_flash_program(0, bytes, 4) == XN_E_FLASH);
    expect_locked();
    // An error that another has left does not fail the next operation.
    start_flash(good, 0xFF);
    xn_stm32_write(0x08000000, 0); // without the key: a sequence error
    CHECK(model_register(0x40023C0C) & 1u << 7);
    CHECK(xn_port_flash_program(0, bytes, 4) == XN_OK);
    chip = good;
    chip.never_done = true;
    start_flash(chip, 0xFF);
    CHECK(xn_port_flash_erase(0) == XN_E_FLASH);
    CHECK(!deferred);
}

int main(void) {
    test_clock();
    test_no_rcc();
    test_pins();
    test_every_sector();
    test_source_in_flash();
    test_refused();
    test_failures();
    printf("ok\n");
    return 0;
}
