#include "chip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint32_t chip_erased, chip_programmed;

static uint8_t *written; // [bytes / unit]: since the last erase

_Noreturn void chip_fail(const char *file, int line, const char *what) {
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

static uint8_t *memory; // the same bytes, to be written

void chip_begin(void) {
    void *wanted = (void *)(uintptr_t)chip_here.address;
    int file = memfd_create("chip", 0);
    CHIP_CHECK(file >= 0 && ftruncate(file, chip_here.bytes) == 0);
    memory = mmap(NULL, chip_here.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    CHIP_CHECK(memory != MAP_FAILED);
    int flags = MAP_SHARED | MAP_FIXED_NOREPLACE;
    CHIP_CHECK(mmap(wanted, chip_here.bytes, PROT_READ, flags, file, 0) == wanted);
    memset(memory, 0xFF, chip_here.bytes);
    written = calloc(chip_here.bytes / chip_here.unit, 1);
    CHIP_CHECK(written != NULL);
}

void chip_map(bool here) {
    void *mapped = (void *)(uintptr_t)chip_here.address;
    CHIP_CHECK(mprotect(mapped, chip_here.bytes, here ? PROT_READ : PROT_NONE) == 0);
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
    memset(memory + offset, 0xFF, n);
    memset(written + offset / chip_here.unit, 0, n / chip_here.unit);
    chip_erased++;
}

void chip_program(uint32_t address, const uint8_t *from, uint32_t n) {
    uint32_t offset = offset_of(address, n);
    CHIP_CHECK(offset % chip_here.unit == 0 && n % chip_here.unit == 0);
    CHIP_CHECK(!chip_has(from));
    for (uint32_t i = 0; i < n; i++) {
        memory[offset + i] &= from[i];
        if ((offset + i) % chip_here.unit == 0) {
            CHIP_CHECK(++written[(offset + i) / chip_here.unit] <= chip_here.writes);
        }
    }
    chip_programmed++;
}
