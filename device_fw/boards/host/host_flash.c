// NOR flash in RAM or in a file: read and executed in place, its rules enforced, failing on
// request.
#include "boards/host/host.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/xn_status.h"

xn_host_state xn_host;

static uint8_t *map_bytes(uint32_t n, const char *file) {
    int protection = PROT_READ | PROT_WRITE | PROT_EXEC;
    if (file == NULL) {
        return mmap(NULL, n, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    int fd = open(file, O_RDWR);
    XN_HOST_CHECK(fd >= 0);
    return mmap(NULL, n, protection, MAP_SHARED, fd, 0);
}

// The smallest sector: what erases are counted by.
static uint32_t least_sector(void) {
    return xn_host.flash.log_sector_bytes != 0 ? xn_host.flash.log_sector_bytes
                                               : xn_host.flash.sector_bytes;
}

static uint32_t sector_at(uint32_t offset) {
    return offset < xn_host.flash.log_bytes ? xn_host.flash.log_sector_bytes
                                            : xn_host.flash.sector_bytes;
}

void xn_host_init(const xn_port_flash *flash, const char *file) {
    uint32_t units = flash->size_bytes / flash->program_bytes;
    if (xn_host.bytes != NULL) {
        munmap(xn_host.bytes, xn_host.flash.size_bytes);
        free(xn_host.programmed);
        free(xn_host.erased);
    }
    memset(&xn_host, 0, sizeof(xn_host));
    xn_host.flash = *flash;
    xn_host.step = -1;
    xn_host.bytes = map_bytes(flash->size_bytes, file);
    xn_host.programmed = calloc(units, 1);
    xn_host.erased = calloc(flash->size_bytes / least_sector(), sizeof(xn_host.erased[0]));
    XN_HOST_CHECK(xn_host.bytes != MAP_FAILED && xn_host.programmed != NULL &&
                  xn_host.erased != NULL);
    if (file == NULL) {
        memset(xn_host.bytes, 0xFF, flash->size_bytes);
        return;
    }
    for (uint32_t i = 0; i < units * flash->program_bytes; i++) {
        xn_host.programmed[i / flash->program_bytes] |= xn_host.bytes[i] != 0xFF;
    }
}

uint32_t xn_port_flash_taken_until(void) {
    return xn_host.flash_taken_until;
}

const xn_port_flash *xn_port_flash_geometry(void) {
    return &xn_host.flash;
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    XN_HOST_CHECK(offset <= xn_host.flash.size_bytes && n <= xn_host.flash.size_bytes - offset);
    memcpy(to, xn_host.bytes + offset, n);
    xn_host.read_bytes += n;
    return XN_OK;
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    XN_HOST_CHECK(offset <= xn_host.flash.size_bytes);
    return xn_host.bytes + offset;
}

// Counts an operation and returns whether this one goes wrong; does not return if power fails
// before it.
static bool goes_wrong(void) {
    xn_host.operations++;
    bool now = xn_host.cut_at != 0 && xn_host.operations == xn_host.cut_at;
    if (now && xn_host.cut_mode == XN_HOST_CUT_BEFORE) {
        longjmp(xn_host.cut, 1);
    }
    return now;
}

// Called after the operation.
static int end(bool wrong) {
    if (wrong && xn_host.cut_mode < XN_HOST_CUTS) {
        longjmp(xn_host.cut, 1);
    }
    return wrong ? XN_E_FLASH : XN_OK;
}

int xn_port_flash_erase(uint32_t offset) {
    uint32_t n = sector_at(offset);
    uint32_t units = n / xn_host.flash.program_bytes;
    uint32_t number = offset / least_sector();
    uint32_t start = offset < xn_host.flash.log_bytes ? 0 : xn_host.flash.log_bytes;
    XN_HOST_CHECK((offset - start) % n == 0 && offset < xn_host.flash.size_bytes);
    bool wrong = goes_wrong();
    if (wrong && xn_host.cut_mode == XN_HOST_ERROR_UNDONE) {
        return XN_E_FLASH;
    }
    if (xn_host.deaf_sector == number + 1) {
        (void)end(wrong);
        return XN_E_FLASH;
    }
    xn_host.erased[number]++;
    if (wrong && xn_host.cut_mode > XN_HOST_CUT_BEFORE && xn_host.cut_mode < XN_HOST_CUT_AFTER) {
        // Some bits are 1 already: only another erase makes the sector usable.
        for (uint32_t i = 0; i < n; i++) {
            xn_host.bytes[offset + i] |= (uint8_t)(i * 73u + xn_host.operations * 29u);
        }
        memset(xn_host.programmed + offset / xn_host.flash.program_bytes, 1, units);
        longjmp(xn_host.cut, 1);
    }
    memset(xn_host.bytes + offset, 0xFF, n);
    memset(xn_host.programmed + offset / xn_host.flash.program_bytes, 0, units);
    if (xn_host.stuck_sector == number + 1) {
        for (uint32_t i = 37; i < n; i += 131) {
            xn_host.bytes[offset + i] = 0xEF;
        }
    }
    return end(wrong);
}

// The bits of a byte that are programmed when words are torn.
static uint8_t torn(uint32_t i, uint8_t byte) {
    uint32_t word = (i / 4 + xn_host.operations) * 2654435761u >> 28;
    return word < 6 ? byte : word < 12 ? 0xFF : byte | (uint8_t)(word * 37u);
}

// How many bytes are programmed.
static uint32_t done_bytes(bool wrong, uint32_t n) {
    if (!wrong || xn_host.cut_mode >= XN_HOST_CUT_TORN) {
        return n;
    }
    return xn_host.cut_mode == XN_HOST_CUT_EARLY ? n * 11 / 64 : n / 4 * 3;
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    const uint8_t *p = from;
    uint32_t unit = xn_host.flash.program_bytes;
    XN_HOST_CHECK(n > 0 && offset % unit == 0 && n % unit == 0);
    XN_HOST_CHECK(offset < xn_host.flash.size_bytes && n <= xn_host.flash.size_bytes - offset);
    XN_HOST_CHECK(offset / xn_host.flash.page_bytes == (offset + n - 1) / xn_host.flash.page_bytes);
    bool wrong = goes_wrong();
    if (wrong && xn_host.cut_mode == XN_HOST_ERROR_UNDONE) {
        return XN_E_FLASH;
    }
    uint32_t done = done_bytes(wrong, n);
    for (uint32_t i = 0; i < n; i += unit) {
        XN_HOST_CHECK(xn_host.programmed[(offset + i) / unit] == 0);
        xn_host.programmed[(offset + i) / unit] = 1;
    }
    bool tear = wrong && xn_host.cut_mode == XN_HOST_CUT_TORN;
    for (uint32_t i = 0; i < done; i++) {
        xn_host.bytes[offset + i] &= tear ? torn(i, p[i]) : p[i];
    }
    if (done < n) {
        xn_host.bytes[offset + done] &= p[done] | 0xA5; // of one byte only some bits are 0
    }
    return end(wrong);
}
