#include "arch/cortexm/mpu.h"

#include "arch/cortexm/pmsa7.h"
#include "arch/cortexm/scs.h"
#include "core/base/xn_port.h"

#define RANGES 4u

static struct {
    uintptr_t start;
    uint32_t bytes;
} allowed[RANGES];

#if __ARM_ARCH >= 8

void xn_port_reach(uintptr_t *start, uintptr_t *end) {
    (void)start; // every range is exact
    (void)end;
}

// Armv8-M Architecture Reference Manual, D1.2: MPU_RBAR, MPU_RLAR, MPU_MAIR0.
static void set(uint32_t range, uint32_t start, uint32_t end, bool writable) {
    const uint32_t read_only = 3u << 1, read_write = 1u << 1, execute_never = 1u;
    MPU_MAIR0 = 0xFFAAu; // 0: write through, 1: write back; both allocate at reads
    MPU_RNR = range;
    MPU_RBAR = start | (writable ? read_write | execute_never : read_only);
    MPU_RLAR = ((end - 1u) & ~31u) | (writable ? 1u << 1 : 0u) | 1u;
}

#else

#define REGIONS 8u
#define REGIONS_OF_RANGE 3u // of all but the last, which gets those that are left

void xn_port_reach(uintptr_t *start, uintptr_t *end) {
    uint32_t from = (uint32_t)*start;
    uint32_t to = (uint32_t)*end;
    xn_pmsa7_region regions[REGIONS_OF_RANGE];
    (void)xn_pmsa7_cover(&from, &to, REGIONS_OF_RANGE, regions);
    *start = from;
    *end = to;
}

static void set(uint32_t range, uint32_t start, uint32_t end, bool writable) {
    static uint32_t used[RANGES]; // regions up to the end of each range
    const uint32_t execute_never = 1u << 28, read_only = 6u << 24, read_write = 3u << 24;
    const uint32_t write_through = 2u << 16, write_back = 11u << 16;
    uint32_t attributes =
        writable ? execute_never | read_write | write_back : read_only | write_through;
    uint32_t first = range == 0 ? 0 : used[range - 1u];
    uint32_t most = range + 1u < RANGES ? REGIONS_OF_RANGE : REGIONS - first;
    xn_pmsa7_region regions[REGIONS];
    uint32_t count = xn_pmsa7_cover(&start, &end, most, regions);
    used[range] = first + count;
    for (uint32_t i = first; i < REGIONS; i++) {
        bool is_used = i < used[range];
        MPU_RNR = i;
        MPU_RBAR = is_used ? regions[i - first].base : 0;
        MPU_RASR = is_used ? attributes | regions[i - first].size : 0;
    }
}

#endif

void xn_mpu_allow(uint32_t range, uintptr_t start, uint32_t bytes, bool writable) {
    bytes = bytes == 0 ? 32u : (bytes + 31u) & ~31u;
    if (allowed[range].start != start || allowed[range].bytes != bytes) {
        allowed[range].start = start;
        allowed[range].bytes = bytes;
        set(range, (uint32_t)start, (uint32_t)start + bytes, writable);
        if (range + 1u < RANGES) {
            allowed[range + 1u].bytes = 0; // its regions come behind this one's
        }
    }
}

void xn_mpu_enable(bool on) {
    const uint32_t enable = 1u, privileged_default = 4u;
    __asm volatile("dsb" ::: "memory");
    MPU_CTRL = on ? enable | privileged_default : 0u;
    __asm volatile("dsb\nisb" ::: "memory");
}
