#include "arch/cortexm/mpu.h"

#include "arch/cortexm/pmsa7.h"
#include "arch/cortexm/scs.h"
#include "core/base/xn_port.h"

#define RANGES 5u // what a step is given but for the flash, then its weights, then its blob
#define WEIGHTS 3u
#define BLOB 4u

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
    uint32_t never = writable || range == WEIGHTS ? execute_never : 0;
    MPU_MAIR0 = 0xFFAAu; // 0: write through, 1: write back; both allocate at reads
    MPU_RNR = range;
    MPU_RBAR = start | (writable ? read_write : read_only) | never;
    MPU_RLAR = start < end ? ((end - 1u) & ~31u) | (writable ? 1u << 1 : 0u) | 1u : 0;
}

static void set_flash(void) {
    for (uint32_t i = WEIGHTS; i <= BLOB; i++) {
        uint32_t start = (uint32_t)allowed[i].start;
        set(i, start, start + allowed[i].bytes, false);
    }
}

#else

#define REGIONS 8u
#define REGIONS_OF_RANGE 3u // of all but the flash, which gets those that are left

void xn_port_reach(uintptr_t *start, uintptr_t *end) {
    uint32_t from = (uint32_t)*start;
    uint32_t to = (uint32_t)*end;
    xn_pmsa7_region regions[REGIONS_OF_RANGE];
    (void)xn_pmsa7_cover(&from, &to, REGIONS_OF_RANGE, regions);
    *start = from;
    *end = to;
}

static uint32_t used[RANGES]; // regions up to the end of each range

static void cover(uint32_t range, uint32_t start, uint32_t end, uint32_t most,
                  uint32_t attributes) {
    uint32_t first = range == 0 ? 0 : used[range - 1u];
    xn_pmsa7_region regions[REGIONS];
    uint32_t count = start == end ? 0 : xn_pmsa7_cover(&start, &end, most, regions);
    used[range] = first + count;
    for (uint32_t i = first; i < REGIONS; i++) {
        bool is_used = i < used[range];
        MPU_RNR = i;
        MPU_RBAR = is_used ? regions[i - first].base : 0;
        MPU_RASR = is_used ? attributes | regions[i - first].size : 0;
    }
}

static const uint32_t execute_never = 1u << 28, read_only = 6u << 24, read_write = 3u << 24;
static const uint32_t write_through = 2u << 16, write_back = 11u << 16;

static void set(uint32_t range, uint32_t start, uint32_t end, bool writable) {
    uint32_t attributes =
        writable ? execute_never | read_write | write_back : read_only | write_through;
    cover(range, start, end, REGIONS_OF_RANGE, attributes);
}

// Shares the regions that are left. If both open the same place the one of the higher number
// counts: that of the blob, which may be executed.
static void set_flash(void) {
    uint32_t left = REGIONS - used[WEIGHTS - 1u];
    uint32_t share = allowed[WEIGHTS].bytes > 0 ? left / 2u : 0;
    for (uint32_t i = WEIGHTS; i <= BLOB; i++) {
        uint32_t start = (uint32_t)allowed[i].start;
        cover(i, start, start + allowed[i].bytes, i == BLOB ? left - share : share,
              read_only | write_through | (i == WEIGHTS ? execute_never : 0));
    }
}

#endif

// Whether a range is another now.
static bool change(uint32_t range, uintptr_t start, uint32_t bytes) {
    bool is_other = allowed[range].start != start || allowed[range].bytes != bytes;
    allowed[range].start = start;
    allowed[range].bytes = bytes;
    return is_other;
}

void xn_mpu_allow(uint32_t range, uintptr_t start, uint32_t bytes, bool writable) {
    bytes = bytes == 0 ? 32u : (bytes + 31u) & ~31u;
    if (change(range, start, bytes)) {
        set(range, (uint32_t)start, (uint32_t)start + bytes, writable);
        allowed[range + 1u].bytes = UINT32_MAX; // its regions come behind this one's
    }
}

void xn_mpu_allow_flash(uintptr_t blob, uint32_t blob_bytes, uintptr_t weights,
                        uint32_t weights_bytes) {
    bool is_other = change(WEIGHTS, weights_bytes == 0 ? 0 : weights, weights_bytes);
    if (change(BLOB, blob, blob_bytes) || is_other) {
        set_flash();
    }
}

void xn_mpu_enable(bool on) {
    const uint32_t enable = 1u, privileged_default = 4u;
    __asm volatile("dsb" ::: "memory");
    MPU_CTRL = on ? enable | privileged_default : 0u;
    __asm volatile("dsb\nisb" ::: "memory");
}
