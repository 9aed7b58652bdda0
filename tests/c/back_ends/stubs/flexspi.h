// What upstream's ports/mimxrt/flash.[ch] need of NXP's SDK and of hal/flexspi_nor_flash.h, for a
// chip that an i.MX RT1062 runs from.
#ifndef FLEXSPI_H
#define FLEXSPI_H

#include <stdint.h>
#include <string.h>

typedef int32_t status_t;
enum { kStatus_Success, kStatus_Fail };

typedef struct {
    volatile uint32_t MCR0;
} FLEXSPI_Type;
extern FLEXSPI_Type stub_flexspi;

#define BOARD_FLEX_SPI (&stub_flexspi)
#define BOARD_FLEX_SPI_ADDR_BASE 0x60000000u
#define FLEXSPI_MCR0_ARDFEN_MASK 1u
#define FLEXSPI_MCR0_ATDFEN_MASK 2u
#define FLEXSPI_MCR0_ARDFEN(x) (x)
#define FLEXSPI_MCR0_ATDFEN(x) (x)
#define MICROPY_HW_FLASH_CLK 0

typedef struct {
    uint32_t pageSize, sectorSize, blockSize;
} flexspi_nor_config_t;
extern flexspi_nor_config_t qspiflash_config;

void flexspi_nor_update_lut_clk(uint32_t index);
void flexspi_update_lut_clk(uint32_t index); // the same, as later releases call it
status_t flexspi_nor_flash_erase_sector(FLEXSPI_Type *base, uint32_t address);
status_t flexspi_nor_flash_erase_block(FLEXSPI_Type *base, uint32_t address);
status_t flexspi_nor_flash_page_program(FLEXSPI_Type *base, uint32_t address, const uint32_t *from,
                                        uint32_t n);
void __disable_irq(void);
void __enable_irq(void);
void SCB_DisableDCache(void);
void SCB_EnableDCache(void);

#endif
