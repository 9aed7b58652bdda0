// What a flash part with room for the VM's files gives beside xn_port.h: the whole flash, whose
// lower part is the store's and whose upper holds the files.
#ifndef XN_NOR_H
#define XN_NOR_H

#include <stdint.h>

#ifdef XN_FLASH_FILES_BYTES
#define XN_NOR_FILES_BYTES XN_FLASH_FILES_BYTES
#else
#define XN_NOR_FILES_BYTES 0u
#endif

#ifdef XN_FLASH_SECTOR_BYTES
#define XN_NOR_SECTOR_BYTES XN_FLASH_SECTOR_BYTES
#else
#define XN_NOR_SECTOR_BYTES 4096u
#endif
#define XN_NOR_PAGE_BYTES 256u
#define XN_NOR_STORE_BYTES (XN_FLASH_BYTES - XN_NOR_FILES_BYTES)

// Same contract as xn_port_flash_*; offsets count from the start of the flash.
int xn_nor_read(uint32_t offset, void *to, uint32_t n);
int xn_nor_erase(uint32_t offset);
int xn_nor_program(uint32_t offset, const void *from, uint32_t n);

#endif
