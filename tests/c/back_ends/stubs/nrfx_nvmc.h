// The calls of Nordic's driver that upstream's ports/nrf/drivers/flash.h names.
#ifndef NRFX_NVMC_H
#define NRFX_NVMC_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

int nrfx_nvmc_page_erase(uint32_t address);
void nrfx_nvmc_byte_write(uint32_t address, uint8_t value);
void nrfx_nvmc_bytes_write(uint32_t address, const void *from, uint32_t n);

#endif
