// NXP's FlexSPI, as upstream's ports/mimxrt/flash.c calls it. The chip is away while it is busy,
// and then no interrupt may run.
#include "chip.h"
#include "stubs/flexspi.h"

#define BASE BOARD_FLEX_SPI_ADDR_BASE

const chip chip_here = {BASE, 0x200000, 1, 1};

FLEXSPI_Type stub_flexspi;
flexspi_nor_config_t qspiflash_config = {256, 4096, 65536};

static bool locked, cached = true;

void __disable_irq(void) {
    locked = true;
}

void __enable_irq(void) {
    locked = false;
}

void SCB_DisableDCache(void) {
    cached = false;
}

void SCB_EnableDCache(void) {
    cached = true;
}

void flexspi_nor_update_lut_clk(uint32_t index) {
    (void)index;
}

void flexspi_update_lut_clk(uint32_t index) {
    (void)index;
}

status_t flexspi_nor_flash_erase_block(FLEXSPI_Type *base, uint32_t address) {
    (void)base;
    (void)address;
    return kStatus_Fail; // nobody should
}

status_t flexspi_nor_flash_erase_sector(FLEXSPI_Type *base, uint32_t address) {
    CHIP_CHECK(base == &stub_flexspi && locked && !cached);
    chip_map(false);
    chip_erase(BASE + address, qspiflash_config.sectorSize);
    chip_map(true);
    return kStatus_Success;
}

status_t flexspi_nor_flash_page_program(FLEXSPI_Type *base, uint32_t address, const uint32_t *from,
                                        uint32_t n) {
    CHIP_CHECK(base == &stub_flexspi && locked && !cached);
    CHIP_CHECK((uintptr_t)from % 4u == 0 && n <= 256 - address % 256);
    chip_map(false);
    chip_program(BASE + address, (const uint8_t *)from, n);
    chip_map(true);
    return kStatus_Success;
}
