#define _GNU_SOURCE
#include "port_host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/xn_status.h"

#define ARENA_MAX 65536u

host_state host;
xn_port_boot host_boot = {XN_PORT_BOOT_POWER, 0, -1, 0, 0xFFFFFFFF, 0, 0};
void (*host_on_step)(void);
void (*host_sent)(const uint8_t *bytes, uint32_t n);

static _Alignas(16) uint8_t arena[ARENA_MAX];
static uint32_t arena_bytes = ARENA_MAX;

void host_fail(const char *file, int line, const char *condition) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

// ---- Flash ------------------------------------------------------------------------------------

static uint8_t *map_bytes(uint32_t n, const char *file) {
    int protection = PROT_READ | PROT_WRITE | PROT_EXEC;
    if (file == NULL) {
        return mmap(NULL, n, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    int fd = open(file, O_RDWR);
    CHECK(fd >= 0);
    return mmap(NULL, n, protection, MAP_SHARED, fd, 0);
}

void host_init(const xn_port_flash *flash, const char *file) {
    uint32_t units = flash->size_bytes / flash->program_bytes;
    if (host.bytes != NULL) {
        munmap(host.bytes, host.flash.size_bytes);
        free(host.programmed);
        free(host.erased);
    }
    memset(&host, 0, sizeof(host));
    host.flash = *flash;
    host.step = -1;
    host.bytes = map_bytes(flash->size_bytes, file);
    host.programmed = calloc(units, 1);
    host.erased = calloc(flash->size_bytes / flash->sector_bytes, sizeof(host.erased[0]));
    CHECK(host.bytes != MAP_FAILED && host.programmed != NULL && host.erased != NULL);
    if (file == NULL) {
        memset(host.bytes, 0xFF, flash->size_bytes);
        return;
    }
    for (uint32_t i = 0; i < units * flash->program_bytes; i++) {
        host.programmed[i / flash->program_bytes] |= host.bytes[i] != 0xFF;
    }
}

const xn_port_flash *xn_port_flash_geometry(void) {
    return &host.flash;
}

int xn_port_flash_read(uint32_t offset, void *to, uint32_t n) {
    CHECK(offset <= host.flash.size_bytes && n <= host.flash.size_bytes - offset);
    memcpy(to, host.bytes + offset, n);
    host.read_bytes += n;
    return XN_OK;
}

const uint8_t *xn_port_flash_map(uint32_t offset) {
    CHECK(offset <= host.flash.size_bytes);
    return host.bytes + offset;
}

// Counts an operation and tells whether this one goes wrong; where power fails before it, does not
// return.
static bool goes_wrong(void) {
    host.operations++;
    bool now = host.cut_at != 0 && host.operations == host.cut_at;
    if (now && host.cut_mode == HOST_CUT_BEFORE) {
        longjmp(host.cut, 1);
    }
    return now;
}

// After the operation was done.
static int end(bool wrong) {
    if (wrong && host.cut_mode < HOST_CUTS) {
        longjmp(host.cut, 1);
    }
    return wrong ? XN_E_FLASH : XN_OK;
}

int xn_port_flash_erase(uint32_t offset) {
    uint32_t n = host.flash.sector_bytes;
    uint32_t units = n / host.flash.program_bytes;
    CHECK(offset % n == 0 && offset < host.flash.size_bytes);
    bool wrong = goes_wrong();
    if (wrong && host.cut_mode == HOST_ERROR_UNDONE) {
        return XN_E_FLASH;
    }
    if (host.deaf_sector == offset / n + 1) {
        (void)end(wrong);
        return XN_E_FLASH;
    }
    host.erased[offset / n]++;
    if (wrong && host.cut_mode > HOST_CUT_BEFORE && host.cut_mode < HOST_CUT_AFTER) {
        // Some bits are up already: nothing is certain but that it must be erased again.
        for (uint32_t i = 0; i < n; i++) {
            host.bytes[offset + i] |= (uint8_t)(i * 73u + host.operations * 29u);
        }
        memset(host.programmed + offset / host.flash.program_bytes, 1, units);
        longjmp(host.cut, 1);
    }
    memset(host.bytes + offset, 0xFF, n);
    memset(host.programmed + offset / host.flash.program_bytes, 0, units);
    if (host.stuck_sector == offset / n + 1) {
        for (uint32_t i = 37; i < n; i += 131) {
            host.bytes[offset + i] = 0xEF;
        }
    }
    return end(wrong);
}

// Which bits of a byte come to be programmed when words are torn.
static uint8_t torn(uint32_t i, uint8_t byte) {
    uint32_t word = (i / 4 + host.operations) * 2654435761u >> 28;
    return word < 6 ? byte : word < 12 ? 0xFF : byte | (uint8_t)(word * 37u);
}

// How many bytes come to be programmed.
static uint32_t done_bytes(bool wrong, uint32_t n) {
    if (!wrong || host.cut_mode >= HOST_CUT_TORN) {
        return n;
    }
    return host.cut_mode == HOST_CUT_EARLY ? n * 11 / 64 : n / 4 * 3;
}

int xn_port_flash_program(uint32_t offset, const void *from, uint32_t n) {
    const uint8_t *p = from;
    uint32_t unit = host.flash.program_bytes;
    CHECK(n > 0 && offset % unit == 0 && n % unit == 0);
    CHECK(offset < host.flash.size_bytes && n <= host.flash.size_bytes - offset);
    CHECK(offset / host.flash.page_bytes == (offset + n - 1) / host.flash.page_bytes);
    bool wrong = goes_wrong();
    if (wrong && host.cut_mode == HOST_ERROR_UNDONE) {
        return XN_E_FLASH;
    }
    uint32_t done = done_bytes(wrong, n);
    for (uint32_t i = 0; i < n; i += unit) {
        CHECK(host.programmed[(offset + i) / unit] == 0);
        host.programmed[(offset + i) / unit] = 1;
    }
    bool tear = wrong && host.cut_mode == HOST_CUT_TORN;
    for (uint32_t i = 0; i < done; i++) {
        host.bytes[offset + i] &= tear ? torn(i, p[i]) : p[i];
    }
    if (done < n) {
        host.bytes[offset + done] &= p[done] | 0xA5; // of one byte only some bits are down
    }
    return end(wrong);
}

// ---- The rest ---------------------------------------------------------------------------------

const xn_port_cpu *xn_port_identity(void) {
#if defined(__aarch64__)
    static const xn_port_cpu cpu = {"host", "host", XN_FAMILY_AARCH64, 0, 0, 0};
#else
    static const xn_port_cpu cpu = {"host", "host", XN_FAMILY_X86_64, 0, 0, 0};
#endif
    return &cpu;
}

bool xn_port_baud_fits(uint32_t rate) {
    return rate >= 9600 && rate <= 1000000;
}

void xn_port_set_baud(uint32_t rate) {
    host.baud = rate;
}

void xn_port_send(const uint8_t *bytes, uint32_t n) {
    if (host_sent != NULL) {
        host_sent(bytes, n);
    }
}

void host_set_arena(uint32_t bytes) {
    CHECK(bytes <= ARENA_MAX);
    arena_bytes = bytes;
}

uint8_t *xn_port_arena(uint32_t *bytes) {
    *bytes = arena_bytes;
    return arena;
}

uint32_t xn_port_step_stack(void) {
    return 4096;
}

uint64_t xn_port_time_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u + host.clock_skip_us;
}

void xn_port_sync_code(const void *at, uint32_t n) {
    __builtin___clear_cache((char *)(uintptr_t)at, (char *)(uintptr_t)at + n);
}

int xn_port_run_step(const xn_port_step *step, xn_port_stop *why) {
    host.step = step->number;
    host.limit_ms = step->limit_ms;
    if (host_on_step != NULL) {
        host_on_step();
    }
    int32_t result = step->function(step->ctx);
    host.step = -1;
    *why = (xn_port_stop){.pc = 0x2100A0C4, .address = 0x40004000, .cfsr = 0x82};
    if (result == HOST_STEP_HANGS) {
        *why = (xn_port_stop){.pc = 0x2100A0C4, .address = 0xFFFFFFFF, .cfsr = 0};
        return XN_E_DEADLINE;
    }
    return result == HOST_STEP_FAULTS ? XN_E_FAULT : result < 0 ? XN_E_STEP : XN_OK;
}

uint32_t xn_port_lock(void) {
    return 0;
}

void xn_port_unlock(uint32_t state) {
    (void)state;
}

void xn_port_reset(void) {
    host.resets++;
}

const xn_port_boot *xn_port_boot_report(void) {
    return &host_boot;
}

static uint32_t kept;

uint32_t xn_port_kept(void) {
    return kept;
}

void xn_port_keep(uint32_t word) {
    kept = word;
}
