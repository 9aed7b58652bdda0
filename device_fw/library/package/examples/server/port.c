// What libxipnet asks of a board, function by function as xipnet.h lists them. The flash is played
// by memory here; a real board calls its driver.
#include "xipnet.h"

#include <string.h>

#include "start.h"

#define ARENA_BYTES (512u * 1024u)
#define FLASH_BYTES (1024u * 1024u)
#define FLASH ((uint8_t *)0x21000000u)
#define STEP_STACK_BYTES 8192u // of main()'s 16 KB: steps run on it

// ---- Who it is ----------------------------------------------------------------------------------

const xn_port_cpu *xn_port_identity(void) {
    static const xn_port_cpu cpu = {
        .board = "bare_mps2",
        .cpu = CPU,
        .family = XN_CPU_FAMILY,
        .level = XN_CPU_LEVEL,
        .features = XN_CPU_FEATURES,
        .hz = CORE_HZ,
    };
    return &cpu;
}

const xn_port_boot *xn_port_boot_report(void) {
    static const xn_port_boot boot = {XN_PORT_BOOT_POWER, 0, -1, 0, 0xFFFFFFFFu, 0, 0};
    return &boot;
}

static uint32_t kept; // a board has a register, or memory, that a reset leaves alone

uint32_t xn_port_kept(void) {
    return kept;
}

void xn_port_keep(uint32_t word) {
    kept = word;
}

void xn_port_reset(void) {
    REGISTER(0xE000ED0C) = 0x05FA0004;
    for (;;) {
    }
}

// ---- Its line -----------------------------------------------------------------------------------

void xn_port_send(const uint8_t *bytes, uint32_t n) {
    send(bytes, n);
}

bool xn_port_baud_fits(uint32_t rate) {
    return rate == 115200u;
}

void xn_port_set_baud(uint32_t rate) {
    (void)rate;
}

// ---- Its flash ----------------------------------------------------------------------------------

const xn_port_flash *xn_port_flash_geometry(void) {
    static const xn_port_flash geometry = {
        .size_bytes = FLASH_BYTES, .sector_bytes = 4096, .page_bytes = 256, .program_bytes = 1};
    if (FLASH[0] == 0 && FLASH[FLASH_BYTES - 1] == 0) { // as memory begins; flash begins erased
        memset(FLASH, 0xFF, FLASH_BYTES);
    }
    return &geometry;
}

uint32_t xn_port_flash_taken_until(void) {
    return 0;
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    memcpy(to, FLASH + offset, n);
    return XN_OK;
}

int xn_port_flash_erase(uint32_t offset) {
    memset(FLASH + offset, 0xFF, 4096);
    return XN_OK;
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    const uint8_t *bytes = from;
    for (uint32_t i = 0; i < n; i++) {
        FLASH[offset + i] &= bytes[i];
    }
    return XN_OK;
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    return FLASH + offset;
}

// ---- Memory and time ----------------------------------------------------------------------------

uint8_t *xn_port_arena(uint32_t *bytes) {
    static uint8_t arena[ARENA_BYTES] __attribute__((aligned(64)));
    *bytes = sizeof arena;
    return arena;
}

void xn_port_reach(uintptr_t *start, uintptr_t *end) {
    (void)start, (void)end; // nothing contains steps here
}

uint32_t xn_port_step_stack(void) {
    return STEP_STACK_BYTES;
}

uint64_t xn_port_time_us(void) {
    return time_us();
}

void xn_port_sync_code(const void *at, uint32_t n) {
    (void)at, (void)n; // no caches
}

uint32_t xn_port_lock(void) {
    uint32_t state;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(state)::"memory");
    return state;
}

void xn_port_unlock(uint32_t state) {
    __asm__ volatile("msr primask, %0" ::"r"(state) : "memory");
}

// A board with an MPU can contain the step, and end one that takes too long.
int xn_port_run_step(const xn_port_step *step, xn_port_stop *why) {
    why->returned = step->function(step->ctx);
    return XN_OK;
}
