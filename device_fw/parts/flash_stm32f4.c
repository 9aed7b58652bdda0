// The flash of an STM32F4 with one bank, up to 1 MB, at register level. Sections are those of
// RM0090 (F405, F407); RM0390 (F446), RM0383 (F411) and RM0368 (F401) have the same controller.
//
// Its sectors are of three sizes. The store's log is in two of 16 KB, its objects are in those of
// 128 KB, one each at most; the firmware is in what is left.
//
// While it erases (a sector of 128 KB: 1 to 2 s) or programs, nothing can be read from the flash:
// the CPU stalls until it is done (3.5). So this file is in RAM, and with it all that may interrupt
// it (`holds_code` of the board's TOML). What the clock's interrupt puts off (PendSV) waits.
#include "arch/cortexm/cpu.h"
#include "core/base/xn_error.h"
#include "core/base/xn_port.h"
#include "parts/stm32.h"

#include <string.h>

#define FLASH_ACR 0x40023C00u  // 3.9.1
#define FLASH_KEYR 0x40023C04u // 3.9.2
#define FLASH_SR 0x40023C0Cu   // 3.9.4
#define FLASH_CR 0x40023C10u   // 3.9.5

#define KEY_1 0x45670123u // 3.6.1
#define KEY_2 0xCDEF89ABu
#define ACR_ICEN (1u << 9)
#define ACR_DCEN (1u << 10)
#define ACR_ICRST (1u << 11)
#define ACR_DCRST (1u << 12)
#define SR_ERRORS 0x1F2u // read (F446), sequence, parallelism, alignment, protection, operation
#define SR_EOP 1u
#define SR_BSY (1u << 16)
#define CR_PG 1u
#define CR_SER 2u
#define CR_STRT (1u << 16)
#define CR_LOCK (1u << 31)

// How many bytes are programmed at once depends on the supply (table 6).
#ifndef XN_FLASH_MILLIVOLTS
#define XN_FLASH_MILLIVOLTS 3300
#endif
#if XN_FLASH_MILLIVOLTS >= 2700
#define UNIT 4u
#define CR_PSIZE (2u << 8)
#elif XN_FLASH_MILLIVOLTS >= 2100
#define UNIT 2u
#define CR_PSIZE (1u << 8)
#else
#define UNIT 1u
#define CR_PSIZE 0u
#endif

#define BASE 0x08000000u
#define PAGE 256u
#define WORD 4u
// The longest erase of the data sheets is 4 s, a program 0.1 ms.
#define LIMIT_US 10000000u

// The sectors that the store has, in the order of its offsets: two for the log, then those of
// 128 KB, one behind the other.
static const uint8_t sectors[] = {XN_FLASH_SECTORS};
#define SECTORS (sizeof(sectors) / sizeof(sectors[0]))
#define LOG_SECTORS 2u

// Table 5: four of 16 KB, one of 64 KB, then 128 KB each.
static uint32_t size_of(uint32_t sector) {
    return sector < 4u ? 0x4000u : sector == 4u ? 0x10000u : 0x20000u;
}

static uint32_t address_of(uint32_t sector) {
    return BASE + (sector < 5u ? sector * 0x4000u : (sector - 4u) * 0x20000u);
}

typedef struct place {
    uint32_t sector;
    uint32_t within; // bytes from its start
} place;

// Where an offset of the store is; false: behind its end.
static bool find(uint32_t offset, place *found) {
    for (uint32_t i = 0; i < SECTORS; i++) {
        uint32_t size = size_of(sectors[i]);
        if (offset < size) {
            *found = (place){sectors[i], offset};
            return true;
        }
        offset -= size;
    }
    return false;
}

static uint32_t total(void) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < SECTORS; i++) {
        bytes += size_of(sectors[i]);
    }
    return bytes;
}

const xn_port_flash *xn_port_flash_geometry(void) {
    static xn_port_flash geometry;
    geometry = (xn_port_flash){
        .size_bytes = total(),
        .sector_bytes = size_of(sectors[SECTORS - 1u]),
        .page_bytes = PAGE,
        .program_bytes = WORD,
        .log_bytes = LOG_SECTORS * size_of(sectors[0]),
        .log_sector_bytes = size_of(sectors[0]),
    };
    return &geometry;
}

// ---- From here on to the next line no read of the flash: it is busy ----------------------------

// Functions of their own: a test follows all that they refer to (tests/unit/device_fw).
#define WHILE_BUSY __attribute__((noinline))

// Returns the controller's error flags, or BSY if it does not end.
static uint32_t wait(void) {
    uint64_t end_us = xn_port_time_us() + LIMIT_US;
    uint32_t state;
    while ((state = xn_stm32_read(FLASH_SR)) & SR_BSY) {
        if (xn_port_time_us() >= end_us) {
            return SR_BSY;
        }
    }
    return state & SR_ERRORS;
}

// Flags are cleared by writing them as 1 (3.9.4).
static uint32_t begin(uint32_t control) {
    uint32_t state = wait();
    xn_stm32_write(FLASH_SR, SR_ERRORS | SR_EOP);
    if (xn_stm32_read(FLASH_CR) & CR_LOCK) {
        xn_stm32_write(FLASH_KEYR, KEY_1);
        xn_stm32_write(FLASH_KEYR, KEY_2);
    }
    xn_stm32_write(FLASH_CR, CR_PSIZE | control);
    return state & SR_BSY;
}

// The caches do not see what the controller does (3.5.2); they can only be reset while they are
// off (3.9.1).
static void end(void) {
    xn_stm32_write(FLASH_CR, CR_LOCK);
    uint32_t caches = xn_stm32_read(FLASH_ACR) & (ACR_ICEN | ACR_DCEN);
    xn_stm32_change(FLASH_ACR, ACR_ICEN | ACR_DCEN, 0);
    xn_stm32_change(FLASH_ACR, 0, ACR_ICRST | ACR_DCRST);
    xn_stm32_change(FLASH_ACR, ACR_ICRST | ACR_DCRST, caches);
}

// Returns the controller's error flags; 0: done.
static WHILE_BUSY uint32_t erase(uint32_t sector) {
    uint32_t deferred = xn_cpu_defer();
    uint32_t state = begin(CR_SER | sector << 3);
    if (state == 0) {
        xn_stm32_change(FLASH_CR, 0, CR_STRT);
        state = wait();
    }
    end();
    xn_cpu_resume(deferred);
    return state;
}

static void store(uint32_t to, uint32_t word) {
    for (uint32_t i = 0; i < WORD; i += UNIT) {
        if (UNIT == 4u) {
            xn_stm32_write(to, word);
        } else if (UNIT == 2u) {
            xn_stm32_write_half(to + i, (uint16_t)(word >> (8u * i)));
        } else {
            xn_stm32_write_byte(to + i, (uint8_t)(word >> (8u * i)));
        }
        if (i + UNIT < WORD && wait() != 0) {
            return;
        }
    }
}

static WHILE_BUSY uint32_t program(uint32_t to, const uint32_t *words, uint32_t n) {
    uint32_t deferred = xn_cpu_defer();
    uint32_t state = begin(CR_PG);
    for (uint32_t i = 0; i < n && state == 0; i++) {
        store(to + WORD * i, words[i]);
        state = wait();
    }
    end();
    xn_cpu_resume(deferred);
    return state;
}

// ------------------------------------------------------------------------------------------------

static int status_of(uint32_t state, const char *what) {
    return state == 0 ? XN_OK : xn_error_at(XN_E_FLASH, what, state);
}

void xn_flash_stm32f4_start(void) {
    xn_stm32_write(FLASH_CR, CR_LOCK); // a boot loader may have left it open
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    uint8_t *bytes = to;
    if (offset > total() || n > total() - offset) {
        return XN_E_RANGE;
    }
    while (n > 0) {
        place at;
        (void)find(offset, &at);
        uint32_t left = size_of(at.sector) - at.within;
        uint32_t part = n < left ? n : left;
        memcpy(bytes, (const void *)(uintptr_t)(address_of(at.sector) + at.within), part);
        bytes += part;
        offset += part;
        n -= part;
    }
    return XN_OK;
}

int xn_port_flash_erase(uint32_t offset) {
    place at;
    if (!find(offset, &at) || at.within != 0) {
        return XN_E_RANGE;
    }
    return status_of(erase(at.sector), "erase, FLASH_SR");
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    static uint32_t words[PAGE / WORD]; // `from` may be in the flash, and at any address
    place at;
    if (n > PAGE - offset % PAGE || offset % WORD != 0 || n % WORD != 0 || !find(offset, &at)) {
        return XN_E_RANGE;
    }
    memcpy(words, from, n);
    return status_of(program(address_of(at.sector) + at.within, words, n / WORD),
                     "program, FLASH_SR");
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    place at = {.sector = sectors[SECTORS - 1u], .within = 0};
    (void)find(offset, &at);
    return (const uint8_t *)(uintptr_t)(address_of(at.sector) + at.within);
}
