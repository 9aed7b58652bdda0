// What a board gives to the core, except its flash: see xn_port.h.
#define _GNU_SOURCE
#include "boards/host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include "base/xn_status.h"

#define ARENA_MAX (4u << 20)

xn_port_boot xn_host_boot = {XN_PORT_BOOT_POWER, 0, -1, 0, 0xFFFFFFFF, 0, 0};
void (*xn_host_reach)(uintptr_t *start, uintptr_t *end);
void (*xn_host_on_step)(void);
void (*xn_host_sent)(const uint8_t *bytes, uint32_t n);
void (*xn_host_on_reset)(void);

static _Alignas(64) uint8_t arena[ARENA_MAX];
uint8_t *xn_host_arena = arena;
static uint32_t arena_bytes = 65536;
static uint32_t kept;

void xn_host_fail(const char *file, int line, const char *condition) {
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

const xn_port_cpu *xn_port_identity(void) {
#if defined(__aarch64__)
    static const xn_port_cpu cpu = {"host", "host", XN_FAMILY_AARCH64, 0, 0, 0};
#else
    static const xn_port_cpu cpu = {"host", "host", XN_FAMILY_X86_64, 0, 0, 0};
#endif
    return &cpu;
}

#if XN_LOCKABLE
const struct xn_policy *xn_host_policy;

const struct xn_policy *xn_port_policy(void) {
    return xn_host_policy;
}

// A process has none: this text stands for it.
bool xn_port_image(uint32_t part, const uint8_t **at, uint32_t *bytes) {
    static const uint8_t image[] = "xipnet: the core as a process";
    *at = image;
    *bytes = sizeof(image) - 1u;
    return part == 0;
}
#endif

bool xn_port_baud_fits(uint32_t rate) {
    return rate >= 9600 && rate <= 1000000;
}

void xn_port_set_baud(uint32_t rate) {
    xn_host.baud = rate;
}

void xn_port_send(const uint8_t *bytes, uint32_t n) {
    if (xn_host_sent != NULL) {
        xn_host_sent(bytes, n);
    }
}

void xn_host_set_arena(uint32_t bytes) {
    XN_HOST_CHECK(bytes <= ARENA_MAX);
    arena_bytes = bytes;
}

uint8_t *xn_port_arena(uint32_t *bytes) {
    *bytes = arena_bytes;
    return xn_host_arena;
}

void xn_port_reach(uintptr_t *start, uintptr_t *end) {
    if (xn_host_reach != NULL) {
        xn_host_reach(start, end);
    }
}

uint32_t xn_port_step_stack(void) {
    return 4096;
}

uint64_t xn_port_time_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u + xn_host.clock_skip_us;
}

void xn_port_sync_code(const void *at, uint32_t n) {
    __builtin___clear_cache((char *)(uintptr_t)at, (char *)(uintptr_t)at + n);
}

int xn_port_run_step(const xn_port_step *step, xn_port_stop *why) {
    xn_host.step = step->number;
    xn_host.limit_ms = step->limit_ms;
    if (xn_host_on_step != NULL) {
        xn_host_on_step();
    }
    int32_t result = step->function(step->ctx);
    xn_host.step = -1;
    *why = (xn_port_stop){.pc = 0x2100A0C4, .address = 0x40004000, .cfsr = 0x82};
    if (result == XN_HOST_STEP_LONG) {
        xn_host.clock_skip_us += 300u * 1000000u;
        return XN_OK;
    }
    if (result == XN_HOST_STEP_HANGS) {
        *why = (xn_port_stop){.pc = 0x2100A0C4, .address = 0xFFFFFFFF, .cfsr = 0};
        return XN_E_DEADLINE;
    }
    if (result == XN_HOST_STEP_NOT_HERE) {
        return XN_E_BUSY;
    }
    why->returned = result;
    return result == XN_HOST_STEP_FAULTS ? XN_E_FAULT : XN_OK;
}

uint32_t xn_port_lock(void) {
    return 0;
}

void xn_port_unlock(uint32_t state) {
    (void)state;
}

void xn_port_reset(void) {
    xn_host.resets++;
    if (xn_host_on_reset != NULL) {
        xn_host_on_reset();
    }
}

const xn_port_boot *xn_port_boot_report(void) {
    return &xn_host_boot;
}

uint32_t xn_port_kept(void) {
    return kept;
}

void xn_port_keep(uint32_t word) {
    kept = word;
}

#if XN_LOCKABLE
#define GETENTROPY_MAX 256u // of one call

const char *xn_port_entropy(uint8_t *to, uint32_t n) {
    for (uint32_t done = 0, part; done < n; done += part) {
        part = n - done < GETENTROPY_MAX ? n - done : GETENTROPY_MAX;
        if (getentropy(to + done, part) != 0) {
            return NULL;
        }
    }
    return "getentropy";
}

xn_host_counter *xn_host_floor;

uint32_t xn_port_floor(void) {
    return xn_host_floor == NULL ? 0 : xn_host_floor->floor;
}

int xn_port_raise_floor(uint32_t floor) {
    if (xn_host_floor == NULL) {
        return XN_OK;
    }
    if (xn_host_floor->worn) {
        return XN_E_FLASH;
    }
    xn_host_floor->floor = floor;
    return XN_OK;
}
#endif
