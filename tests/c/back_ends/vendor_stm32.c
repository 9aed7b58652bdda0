// ST's HAL, as far as upstream's flash.c calls it: an STM32H743 (32 bytes, once between erases) or
// an STM32F427 (words, as often as bits are left).
#include "chip.h"
#include "stubs/stm32_hal.h"

#include <stdbool.h>

#if defined(STM32H7)
FLASH_TypeDef stub_flash;
const chip chip_here = {0x08000000, 0x200000, 32, 1};
#else
const chip chip_here = {0x08000000, 0x200000, 4, 200};
#endif

static bool unlocked;

HAL_StatusTypeDef HAL_FLASH_Unlock(void) {
    unlocked = true;
    return HAL_OK;
}

HAL_StatusTypeDef HAL_FLASH_Lock(void) {
    unlocked = false;
    return HAL_OK;
}

HAL_StatusTypeDef HAL_FLASH_Program(uint32_t type, uint32_t address, uint64_t data) {
    CHIP_CHECK(unlocked && type == 1);
#if defined(STM32H7)
    chip_program(address, (const uint8_t *)(uintptr_t)data, 32);
#else
    uint32_t word = (uint32_t)data;
    chip_program(address, (const uint8_t *)&word, 4);
#endif
    return HAL_OK;
}

#if defined(STM32H7)

static void erase(const FLASH_EraseInitTypeDef *what) {
    chip_erase(0x08000000u + (what->Banks - 1u) * 0x100000u + what->Sector * 0x20000u, 0x20000u);
}

#else

// RM0090, table 6: where a sector of 2 MB in two banks begins.
static uint32_t start_of(uint32_t sector) {
    uint32_t in_bank = sector % 12u, bank = sector / 12u * 0x100000u;
    return bank + (in_bank < 4 ? in_bank * 0x4000u : in_bank == 4 ? 0x10000u : (in_bank - 4) << 17);
}

static void erase(const FLASH_EraseInitTypeDef *what) {
    uint32_t start = start_of(what->Sector);
    chip_erase(0x08000000u + start, start_of(what->Sector + 1) - start);
}

#endif

HAL_StatusTypeDef HAL_FLASHEx_Erase(FLASH_EraseInitTypeDef *what, uint32_t *error) {
    CHIP_CHECK(unlocked && what->NbSectors == 1);
    *error = 0;
    erase(what);
    return HAL_OK;
}

int mp_hal_status_to_neg_errno(HAL_StatusTypeDef status) {
    return status == HAL_OK ? 0 : -5;
}
