#define _GNU_SOURCE
#include "stm32f4_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#define BASE 0x08000000u
#define BYTES 0x100000u
#define SECTORS 12u
#define READS_UNTIL_READY 5u // of a status register

enum {
    RCC_CR = 0x40023800,
    RCC_PLLCFGR = 0x40023804,
    RCC_CFGR = 0x40023808,
    RCC_AHB1ENR = 0x40023830,
    RCC_APB1ENR = 0x40023840,
    PWR_CR = 0x40007000,
    PWR_CSR = 0x40007004,
    ACR = 0x40023C00,
    KEYR = 0x40023C04,
    SR = 0x40023C0C,
    CR = 0x40023C10,
};

typedef struct reg {
    uint32_t address, value;
} reg;

static model_chip chip;
static reg regs[64];
static uint32_t reg_count;
static uint8_t *window; // what the program sees; unreadable while the controller is busy
static uint8_t *cells;  // the same bytes, always
static uint32_t busy_reads, pll_reads, key_step;
static bool key_lost, data_stale, code_stale;
static uint64_t now_us;

void xn_host_fail(const char *file, int line, const char *condition) {
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    exit(1);
}

static uint32_t *at(uint32_t address) {
    for (uint32_t i = 0; i < reg_count; i++) {
        if (regs[i].address == address) {
            return &regs[i].value;
        }
    }
    CHECK(reg_count < sizeof(regs) / sizeof(regs[0]));
    regs[reg_count] = (reg){address, 0};
    return &regs[reg_count++].value;
}

static void map_flash(void) {
    int file = memfd_create("flash", 0);
    CHECK(file >= 0 && ftruncate(file, BYTES) == 0);
    window =
        mmap((void *)(uintptr_t)BASE, BYTES, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0);
    cells = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHECK(window == (uint8_t *)(uintptr_t)BASE && cells != MAP_FAILED);
}

void model_start(const model_chip *of, uint8_t fill) {
    chip = *of;
    reg_count = 0;
    busy_reads = pll_reads = key_step = 0;
    key_lost = data_stale = code_stale = false;
    if (window == NULL) {
        map_flash();
    }
    CHECK(mprotect(window, BYTES, PROT_READ) == 0);
    memset(cells, fill, BYTES);
    *at(CR) = 1u << 31;
    *at(PWR_CR) = 2u << 14;
    *at(RCC_PLLCFGR) = 0x24003010;
    *at(RCC_CR) = chip.no_rcc ? 0 : 0x83;
    *at(0xE0042000) = chip.revision_a ? 0x10006413 : 0x10016413;
    if (chip.pll_runs) {
        *at(RCC_CR) |= 3u << 24;
        *at(RCC_CFGR) = 2u | 2u << 2;
        *at(ACR) = 5u;
        *at(RCC_PLLCFGR) = 0x24003010u & ~0x7FFFu;
        *at(RCC_PLLCFGR) |= 16u | 192u << 6;
    }
}

uint32_t model_register(uint32_t address) {
    return *at(address);
}

// ---- Clocks -------------------------------------------------------------------------------------

static uint32_t pll_hz(void) {
    uint32_t fields = *at(RCC_PLLCFGR);
    uint32_t m = fields & 63u, n = fields >> 6 & 511u, p = 2u * ((fields >> 16 & 3u) + 1u);
    uint32_t source = fields & 1u << 22 ? 8000000u : 16000000u;
    CHECK(m >= 2 && source / m >= 1000000u && source / m <= 2000000u);
    CHECK((uint64_t)source / m * n >= 192000000u && (uint64_t)source / m * n <= 432000000u);
    CHECK((fields >> 24 & 15u) >= 2u && source / m * n / (fields >> 24 & 15u) <= 48000000u);
    CHECK((fields >> 28) == 2u); // reserved, or another output's: as after a reset
    return source / m * n / p;
}

uint32_t model_hz(void) {
    return (*at(RCC_CFGR) >> 2 & 3u) == 2u ? pll_hz() : 16000000u;
}

static uint32_t bus_hz(uint32_t shift) {
    uint32_t code = *at(RCC_CFGR) >> shift & 7u;
    return code < 4u ? model_hz() : model_hz() >> (code - 3u);
}

uint32_t model_apb1_hz(void) {
    return bus_hz(10);
}

static void settle_clocks(void) {
    uint32_t *cr = at(RCC_CR);
    if (*cr & 1u << 16 && !chip.no_external) {
        *cr |= 1u << 17;
    }
    if (*cr & 1u << 24 && !chip.no_pll && ++pll_reads >= READS_UNTIL_READY) {
        *cr |= 1u << 25;
    }
    *cr |= (*cr & 1u) << 1;
}

static void write_rcc_cr(uint32_t value) {
    uint32_t old = *at(RCC_CR);
    bool pll_used = (*at(RCC_CFGR) >> 2 & 3u) == 2u;
    CHECK(!pll_used || value & 1u << 24);                    // the core would stop
    CHECK(!((old ^ value) & 1u << 18) || !(old & 1u << 16)); // HSEBYP while HSE is on
    uint32_t ready = 1u << 25 | 1u << 17 | 1u << 1;
    value = (value & ~ready) | (old & ready);
    value &= value & 1u << 24 ? UINT32_MAX : ~(1u << 25);
    value &= value & 1u << 16 ? UINT32_MAX : ~(1u << 17);
    pll_reads = value & 1u << 24 ? pll_reads : 0;
    if (value & ~old & 1u << 24) {
        CHECK(!(*at(RCC_PLLCFGR) & 1u << 22) || value & 1u << 17); // its source must run
        (void)pll_hz();
    }
    *at(RCC_CR) = value;
}

static void write_rcc_cfgr(uint32_t value) {
    if ((value & 3u) == 2u) {
        CHECK(*at(RCC_CR) & 1u << 25);
        value |= 2u << 2;
        value &= ~(1u << 2);
    } else {
        value &= ~(3u << 2);
    }
    *at(RCC_CFGR) = value;
    uint32_t hz = model_hz();
    CHECK((value & 0xF0u) == 0);
    CHECK(hz <= chip.max_hz && model_apb1_hz() <= chip.apb1_max_hz);
    CHECK(bus_hz(13) <= chip.apb2_max_hz);
    CHECK((*at(ACR) & 15u) >= (hz - 1u) / 30000000u);
    if (chip.has_over_drive && hz > 168000000u) {
        CHECK(*at(PWR_CSR) & 1u << 17);
    }
}

static void write_pwr_cr(uint32_t value) {
    uint32_t old = *at(PWR_CR);
    CHECK(*at(RCC_APB1ENR) & 1u << 28);
    CHECK(!((old ^ value) & 3u << 14) || !(*at(RCC_CR) & 1u << 24)); // VOS while the PLL is on
    CHECK(chip.has_over_drive || !(value & 3u << 16));
    *at(PWR_CR) = value;
    if (value & 1u << 16 && *at(RCC_CR) & 1u << 25) {
        *at(PWR_CSR) |= 1u << 16;
    }
    if (value & 1u << 17) {
        CHECK(*at(PWR_CSR) & 1u << 16);
        *at(PWR_CSR) |= 1u << 17;
    }
}

// ---- Flash --------------------------------------------------------------------------------------

static uint32_t sector_of(uint32_t offset) {
    return offset < 0x10000u ? offset / 0x4000u : offset < 0x20000u ? 4u : 4u + offset / 0x20000u;
}

static uint32_t first_of(uint32_t sector) {
    return sector < 5u ? sector * 0x4000u : (sector - 4u) * 0x20000u;
}

static void make_busy(void) {
    CHECK(mprotect(window, BYTES, PROT_NONE) == 0); // a look at it now would stall a chip
    *at(SR) |= 1u << 16;
    busy_reads = READS_UNTIL_READY;
    data_stale = data_stale || *at(ACR) & 1u << 10;
    code_stale = code_stale || *at(ACR) & 1u << 9;
}

static void write_acr(uint32_t value) {
    uint32_t old = *at(ACR);
    CHECK(!(value & 1u << 12 && (old | value) & 1u << 10)); // DCRST while DCEN
    CHECK(!(value & 1u << 11 && (old | value) & 1u << 9));
    CHECK(!(chip.revision_a && value & 1u << 8));
    data_stale = data_stale && !(value & 1u << 12);
    code_stale = code_stale && !(value & 1u << 11);
    *at(ACR) = value;
}

bool model_is_stale(void) {
    return data_stale || code_stale;
}

static void write_key(uint32_t value) {
    static const uint32_t keys[] = {0x45670123u, 0xCDEF89ABu};
    CHECK(*at(CR) & 1u << 31);
    key_lost = key_lost || value != keys[key_step];
    CHECK(!key_lost); // a bus fault, and locked until the next reset
    if (++key_step == 2u) {
        key_step = 0;
        *at(CR) &= ~(1u << 31);
    }
}

static void write_cr(uint32_t value) {
    CHECK(!(*at(SR) & 1u << 16) || chip.never_done); // a write stalls while busy
    if (*at(CR) & 1u << 31) {
        return;
    }
    *at(CR) = value & ~(1u << 16);
    if (!(value & 1u << 16)) {
        return;
    }
    uint32_t sector = value >> 3 & 15u;
    CHECK((value & 7u) == 2u && sector < SECTORS);
    if (chip.protected_sectors & 1u << sector) {
        *at(SR) |= 1u << 4;
        return;
    }
    uint32_t next = sector + 1u < SECTORS ? first_of(sector + 1u) : BYTES;
    memset(cells + first_of(sector), 0xFF, next - first_of(sector));
    make_busy();
}

static void program(uint32_t address, uint32_t value, uint32_t bytes) {
    uint32_t size = *at(CR) >> 8 & 3u, offset = address - BASE;
    uint32_t errors = 0;
    CHECK(!(*at(SR) & 1u << 16));
    if (*at(CR) & 1u << 31 || !(*at(CR) & 1u)) {
        errors |= 1u << 7;
    }
    if (bytes != 1u << size) {
        errors |= 1u << 6;
    }
    if (address % bytes != 0) {
        errors |= 1u << 5;
    }
    if (chip.protected_sectors & 1u << sector_of(offset)) {
        errors |= 1u << 4;
    }
    *at(SR) |= errors;
    if (errors == 0) {
        CHECK(chip.millivolts >= (bytes == 4u ? 2700u : bytes == 2u ? 2100u : 1800u));
        for (uint32_t i = 0; i < bytes; i++) {
            cells[offset + i] &= (uint8_t)(value >> (8u * i));
        }
        make_busy();
    }
}

static uint32_t read_sr(void) {
    uint32_t value = *at(SR);
    now_us += chip.never_done ? 100000u : 1u;
    if (value & 1u << 16 && !chip.never_done && --busy_reads == 0) {
        *at(SR) = (value & ~(1u << 16)) | 1u;
        CHECK(mprotect(window, BYTES, PROT_READ) == 0);
    }
    return value;
}

uint64_t model_us(void) {
    return now_us;
}

// ---- The bus ------------------------------------------------------------------------------------

static bool is_gpio(uint32_t address) {
    return address >= 0x40020000u && address < 0x40022000u;
}

uint32_t xn_stm32_read(uint32_t address) {
    if (chip.no_rcc) {
        return 0;
    }
    if (address == SR) {
        return read_sr();
    }
    if (address == RCC_CR) {
        settle_clocks();
    }
    return *at(address);
}

void xn_stm32_write(uint32_t address, uint32_t value) {
    if (address >= BASE && address < BASE + BYTES) {
        program(address, value, 4);
        return;
    }
    if (is_gpio(address)) {
        CHECK(*at(RCC_AHB1ENR) & 1u << (address - 0x40020000u) / 0x400u); // without a clock: lost
    }
    switch (address) {
    case RCC_CR:
        write_rcc_cr(value);
        break;
    case RCC_PLLCFGR:
        CHECK(!(*at(RCC_CR) & 1u << 24));
        *at(RCC_PLLCFGR) = value;
        break;
    case RCC_CFGR:
        write_rcc_cfgr(value);
        break;
    case PWR_CR:
        write_pwr_cr(value);
        break;
    case ACR:
        write_acr(value);
        break;
    case KEYR:
        write_key(value);
        break;
    case SR:
        *at(SR) &= ~(value & 0x1F3u);
        break;
    case CR:
        write_cr(value);
        break;
    default:
        *at(address) = value;
    }
}

void xn_stm32_write_half(uint32_t address, uint16_t value) {
    program(address, value, 2);
}

void xn_stm32_write_byte(uint32_t address, uint8_t value) {
    program(address, value, 1);
}
