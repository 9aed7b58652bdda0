// The flash controller of an nRF52840: words, each twice between erases.
#include "chip.h"
#include "stubs/nrfx_nvmc.h"

const chip chip_here = {0x000C0000, 0x40000, 4, 2};

int nrfx_nvmc_page_erase(uint32_t address) {
    chip_erase(address, 4096);
    return 0;
}

void nrfx_nvmc_byte_write(uint32_t address, uint8_t value) {
    uint8_t word[4] = {0xFF, 0xFF, 0xFF, 0xFF};
    word[address % 4u] = value;
    chip_program(address & ~3u, word, 4);
}

void nrfx_nvmc_bytes_write(uint32_t address, const void *from, uint32_t n) {
    CHIP_CHECK(address % 4u == 0 && n % 4u == 0 && (uintptr_t)from % 4u == 0);
    chip_program(address, from, n);
}
