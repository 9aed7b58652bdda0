#include "store/xn_flash.h"

#include <string.h>

#include "base/xn_error.h"
#include "base/xn_port.h"

#define UNIT_MAX 32u

static bool is_power(uint32_t x, uint32_t least, uint32_t most) {
    return (x & (x - 1u)) == 0 && least <= x && x <= most;
}

int xn_flash_check(void) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    uint32_t taken = xn_port_flash_taken_until();
    if (taken != 0) {
        return xn_error_at(XN_E_STORE, "board's region holds firmware or files up to", taken);
    }
    if (!is_power(flash->sector_bytes, 1024, 1u << 30)) {
        return xn_error_at(XN_E_STORE,
                           "board's sector is no power of two from 1024 on:", flash->sector_bytes);
    }
    if (flash->log_bytes != 0 && !is_power(flash->log_sector_bytes, 1024, flash->sector_bytes)) {
        return xn_error_at(XN_E_STORE,
                           "board's log sector is no power of two from 1024 to a sector:",
                           flash->log_sector_bytes);
    }
    if (flash->log_bytes > flash->size_bytes ||
        (flash->log_bytes != 0 && flash->log_bytes % flash->log_sector_bytes != 0) ||
        (flash->size_bytes - flash->log_bytes) % flash->sector_bytes != 0) {
        return xn_error_at(XN_E_STORE, "board's region is no whole sectors:", flash->size_bytes);
    }
    if (!is_power(flash->page_bytes, 64,
                  flash->log_bytes != 0 ? flash->log_sector_bytes : flash->sector_bytes)) {
        return xn_error_at(
            XN_E_STORE, "board's page is no power of two from 64 to a sector:", flash->page_bytes);
    }
    return is_power(flash->program_bytes, 1, UNIT_MAX)
               ? XN_OK
               : xn_error_at(XN_E_STORE, "board's program unit is none of 1, 2, 4, 8, 16, 32:",
                             flash->program_bytes);
}

bool xn_flash_is_blank(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (bytes[i] != 0xFF) {
            return false;
        }
    }
    return true;
}

static int program_tail(uint32_t offset, const uint8_t *bytes, uint32_t n, uint32_t unit) {
    uint8_t padded[UNIT_MAX];
    memset(padded, 0xFF, sizeof(padded));
    memcpy(padded, bytes, n);
    return xn_port_flash_program(offset, padded, unit);
}

int xn_flash_program(uint32_t offset, const uint8_t *bytes, uint32_t n) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    int status = XN_OK;
    while (n > 0 && status == XN_OK) {
        uint32_t in_page = flash->page_bytes - (offset & (flash->page_bytes - 1u));
        uint32_t part = n < in_page ? n : in_page;
        uint32_t whole = part - part % flash->program_bytes;
        if (whole == 0) {
            return program_tail(offset, bytes, n, flash->program_bytes);
        }
        status = xn_port_flash_program(offset, bytes, whole);
        offset += whole;
        bytes += whole;
        n -= whole;
    }
    return status;
}

static int place_piece(uint32_t offset, const uint8_t *bytes, uint32_t n) {
    uint8_t seen[XN_FLASH_PIECE];
    int status = xn_port_flash_read(offset, seen, n);
    if (status != XN_OK || memcmp(seen, bytes, n) == 0) {
        return status;
    }
    if (!xn_flash_is_blank(seen, n)) {
        return xn_error_at(XN_E_OCCUPIED, "flash offset", offset);
    }
    status = xn_flash_program(offset, bytes, n);
    if (status == XN_OK) {
        status = xn_port_flash_read(offset, seen, n);
    }
    if (status == XN_OK && memcmp(seen, bytes, n) != 0) {
        return xn_error_at(XN_E_FLASH, "read back differs, flash offset", offset);
    }
    return status;
}

int xn_flash_place(uint32_t offset, const uint8_t *bytes, uint32_t n) {
    int status = XN_OK;
    while (n > 0 && status == XN_OK) {
        uint32_t part = n < XN_FLASH_PIECE ? n : XN_FLASH_PIECE;
        status = place_piece(offset, bytes, part);
        offset += part;
        bytes += part;
        n -= part;
    }
    return status;
}

int xn_flash_erase(uint32_t offset) {
    uint8_t seen[XN_FLASH_PIECE];
    uint32_t end = offset + xn_port_flash_geometry()->sector_bytes;
    int status = xn_port_flash_erase(offset);
    for (; offset < end && status == XN_OK; offset += (uint32_t)sizeof(seen)) {
        status = xn_port_flash_read(offset, seen, sizeof(seen));
        if (status == XN_OK && !xn_flash_is_blank(seen, sizeof(seen))) {
            status = xn_error_at(XN_E_FLASH, "not blank after an erase, flash offset", offset);
        }
    }
    return status;
}
