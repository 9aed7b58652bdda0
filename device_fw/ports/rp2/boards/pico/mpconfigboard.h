#include "ports/rp2/xn_config.h"

#define MICROPY_HW_BOARD_NAME "Raspberry Pi Pico"
#define MICROPY_HW_FLASH_STORAGE_BYTES (256 * 1024) // the end of the flash
