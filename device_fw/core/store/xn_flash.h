// Flash without its pages and units: what the store writes with.
#ifndef XN_FLASH_H
#define XN_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#define XN_FLASH_PIECE 256u // bytes compared at a time; also the grain of uploads

// Whether the board's flash is as xn_port.h says; XN_E_STORE: it is not, and nothing may be
// written.
int xn_flash_check(void);
// Programs n bytes at an offset that is a multiple of XN_FLASH_PIECE or of the record size, split
// at pages; the last unit is filled up with FF.
int xn_flash_program(uint32_t offset, const uint8_t *bytes, uint32_t n);
// The same for a place that may hold these bytes already: then nothing is programmed again. Bytes
// that are neither there nor blank are XN_E_OCCUPIED. What was written is read back.
int xn_flash_place(uint32_t offset, const uint8_t *bytes, uint32_t n);
// Erases a sector and checks that it is blank.
int xn_flash_erase(uint32_t offset);
bool xn_flash_is_blank(const uint8_t *bytes, uint32_t n); // all FF

#endif
