// The whole flash of a board: the lower part is the store's, the upper holds the VM's files.
#ifndef XN_NOR_H
#define XN_NOR_H

#include <stdint.h>

#define XN_NOR_SECTOR_BYTES 4096u
#define XN_NOR_PAGE_BYTES 256u
#define XN_NOR_STORE_BYTES (XN_FLASH_BYTES - XN_FILES_BYTES)

// Same contract as xn_port_flash_*; offsets count from the start of the flash.
int xn_nor_read(uint32_t offset, void *to, uint32_t n);
int xn_nor_erase(uint32_t offset);
int xn_nor_program(uint32_t offset, const void *from, uint32_t n);

#endif
