// The calls and names of ST's HAL that upstream's ports/stm32/flash.c needs, for two chips.
#ifndef STM32_HAL_H
#define STM32_HAL_H

#include <stdint.h>

typedef enum { HAL_OK, HAL_ERROR } HAL_StatusTypeDef;

typedef struct {
    uint32_t TypeErase, Banks, Sector, NbSectors, VoltageRange;
} FLASH_EraseInitTypeDef;

#define FLASH_BASE 0x08000000u
#define TYPEERASE_SECTORS 0
#define VOLTAGE_RANGE_3 0
#define __HAL_FLASH_CLEAR_FLAG(flags)

#if defined(STM32H7)
#define DUAL_BANK 1
#define FLASH_BANK_1 1u
#define FLASH_BANK_2 2u
#define FLASH_BANK_SIZE 0x100000u
#define FLASH_NB_32BITWORD_IN_FLASHWORD 8u
#define FLASH_TYPEPROGRAM_FLASHWORD 1
#define FLASH_OPTCR_SWAP_BANK 1u
#define READ_BIT(reg, bit) ((reg) & (bit))
typedef struct {
    uint32_t OPTCR; // the banks are not swapped
} FLASH_TypeDef;
extern FLASH_TypeDef stub_flash;
#define FLASH (&stub_flash)
#else
#define FLASH_CR_PSIZE 0
#define FLASH_SECTOR_8 8
#define FLASH_SECTOR_12 12
#define FLASH_TYPEPROGRAM_WORD 1
#endif

HAL_StatusTypeDef HAL_FLASH_Unlock(void);
HAL_StatusTypeDef HAL_FLASH_Lock(void);
HAL_StatusTypeDef HAL_FLASH_Program(uint32_t type, uint32_t address, uint64_t data);
HAL_StatusTypeDef HAL_FLASHEx_Erase(FLASH_EraseInitTypeDef *what, uint32_t *error);
int mp_hal_status_to_neg_errno(HAL_StatusTypeDef status);

#endif
