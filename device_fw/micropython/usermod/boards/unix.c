// MicroPython's unix port as a board: this computer's CPU runs the models. The store is memory, and
// forgets when the process ends.
#define _GNU_SOURCE
#include "micropython/usermod/boards/unix.h"

#include "core/base/xn_port.h"
#include "core/base/xn_status.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define FLASH_BYTES (4u << 20)
#define SECTOR_BYTES 4096u

int mp_interrupt_char = -1;

const xn_port_cpu *xn_port_identity(void) {
#if defined(__aarch64__)
    static const xn_port_cpu cpu = {"unix", "host", XN_FAMILY_AARCH64, 0, 0, 0};
#else
    static const xn_port_cpu cpu = {"unix", "host", XN_FAMILY_X86_64, 0, 0, 0};
#endif
    return &cpu;
}

uint64_t xn_port_time_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

uint32_t xn_port_lock(void) {
    return 0; // no interrupt receives
}

void xn_port_unlock(uint32_t state) {
    (void)state;
}

void xn_port_sync_code(const void *at, uint32_t n) {
    __builtin___clear_cache((char *)(uintptr_t)at, (char *)(uintptr_t)at + n);
}

void xn_port_reset(void) {
    exit(0);
}

static uint8_t *flash(void) {
    static uint8_t *bytes;
    if (bytes == NULL) {
        void *made = mmap(NULL, FLASH_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (made == MAP_FAILED) {
            abort();
        }
        bytes = made;
        memset(bytes, 0xFF, FLASH_BYTES);
    }
    return bytes;
}

static int inside(uint32_t offset, uint32_t n) {
    return offset <= FLASH_BYTES && n <= FLASH_BYTES - offset;
}

const xn_port_flash *xn_port_flash_geometry(void) {
    static const xn_port_flash geometry = {FLASH_BYTES, SECTOR_BYTES, 256, 1, 0, 0};
    return &geometry;
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    if (!inside(offset, n)) {
        return XN_E_RANGE;
    }
    memcpy(to, flash() + offset, n);
    return XN_OK;
}

int xn_port_flash_erase(uint32_t offset) {
    if (!inside(offset, SECTOR_BYTES) || offset % SECTOR_BYTES != 0) {
        return XN_E_RANGE;
    }
    memset(flash() + offset, 0xFF, SECTOR_BYTES);
    return XN_OK;
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    if (!inside(offset, n)) {
        return XN_E_RANGE;
    }
    for (uint32_t i = 0; i < n; i++) {
        flash()[offset + i] &= ((const uint8_t *)from)[i];
    }
    return XN_OK;
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    return flash() + offset;
}
