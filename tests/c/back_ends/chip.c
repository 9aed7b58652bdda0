#include "chip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

uint32_t chip_erased, chip_programmed;

static uint8_t *written; // [bytes / unit]: since the last erase
static bool away;

_Noreturn void chip_fail(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

static uint8_t *at(uint32_t address) {
    return (uint8_t *)(uintptr_t)address;
}

static void protect(int how) {
    CHIP_CHECK(mprotect(at(chip_here.address), chip_here.bytes, how) == 0);
}

void chip_begin(void) {
    void *wanted = at(chip_here.address);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    CHIP_CHECK(mmap(wanted, chip_here.bytes, PROT_READ | PROT_WRITE, flags, -1, 0) == wanted);
    memset(wanted, 0xFF, chip_here.bytes);
    protect(PROT_READ);
    written = calloc(chip_here.bytes / chip_here.unit, 1);
    CHIP_CHECK(written != NULL);
}

void chip_map(bool here) {
    away = !here;
    protect(here ? PROT_READ : PROT_NONE);
}

bool chip_has(const void *at) {
    uintptr_t address = (uintptr_t)at;
    return address >= chip_here.address && address - chip_here.address < chip_here.bytes;
}

static uint32_t offset_of(uint32_t address, uint32_t n) {
    uint32_t offset = address - chip_here.address;
    CHIP_CHECK(address >= chip_here.address && offset <= chip_here.bytes);
    CHIP_CHECK(n > 0 && n <= chip_here.bytes - offset);
    return offset;
}

void chip_erase(uint32_t address, uint32_t n) {
    uint32_t offset = offset_of(address, n);
    CHIP_CHECK(offset % n == 0);
    protect(PROT_READ | PROT_WRITE);
    memset(at(address), 0xFF, n);
    memset(written + offset / chip_here.unit, 0, n / chip_here.unit);
    protect(away ? PROT_NONE : PROT_READ);
    chip_erased++;
}

void chip_program(uint32_t address, const uint8_t *from, uint32_t n) {
    uint32_t offset = offset_of(address, n);
    CHIP_CHECK(offset % chip_here.unit == 0 && n % chip_here.unit == 0);
    CHIP_CHECK(!chip_has(from));
    protect(PROT_READ | PROT_WRITE);
    for (uint32_t i = 0; i < n; i++) {
        at(address)[i] &= from[i];
        if ((offset + i) % chip_here.unit == 0) {
            CHIP_CHECK(++written[(offset + i) / chip_here.unit] <= chip_here.writes);
        }
    }
    protect(away ? PROT_NONE : PROT_READ);
    chip_programmed++;
}
