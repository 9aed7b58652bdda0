// A board whose file system is in the chip, as upstream's storage.h has it.
#include "drivers/memory/spiflash.h"

extern mp_spiflash_t stub_board_chip;
