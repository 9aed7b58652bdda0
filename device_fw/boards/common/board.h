// What the common parts offer to a board and to the application.
#ifndef XN_BOARD_H
#define XN_BOARD_H

#include <stdint.h>

// Implemented by boards/<name>/board.c: starts what the board is made of, in its order.
void xn_board_start(void);

void xn_cmsdk_uart_start(void);

// The whole flash, of which the store's region is the lower part and the VM's files the upper.
// Same contract as xn_port_flash_*; offsets count from the start of the flash.
void xn_nor_start(void);
int xn_nor_read(uint32_t offset, void *to, uint32_t n);
int xn_nor_erase(uint32_t offset);
int xn_nor_program(uint32_t offset, const void *from, uint32_t n);

#define XN_NOR_SECTOR_BYTES 4096u
#define XN_NOR_PAGE_BYTES 256u
#define XN_STORE_BYTES (XN_FLASH_BYTES - XN_FILES_BYTES)

#endif
