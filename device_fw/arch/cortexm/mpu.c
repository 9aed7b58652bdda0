#include "arch/cortexm/mpu.h"

#include "arch/cortexm/scs.h"

#define RANGES 4u

static struct {
    uintptr_t start;
    uint32_t bytes;
} allowed[RANGES];

#if __ARM_ARCH >= 8

// Armv8-M Architecture Reference Manual, D1.2: MPU_RBAR, MPU_RLAR, MPU_MAIR0.
static void set(uint32_t range, uintptr_t start, uintptr_t end, bool writable) {
    const uint32_t read_only = 3u << 1, read_write = 1u << 1, execute_never = 1u;
    MPU_MAIR0 = 0xFFAAu; // 0: write through, 1: write back; both allocate at reads
    MPU_RNR = range;
    MPU_RBAR = (uint32_t)start | (writable ? read_write | execute_never : read_only);
    MPU_RLAR = ((uint32_t)(end - 1u) & ~31u) | (writable ? 1u << 1 : 0u) | 1u;
}

#else

// Within one aligned block of a power of two, whose eighths can be left out: Armv7-M
// Architecture Reference Manual, B3.5: MPU_RBAR, MPU_RASR.
static void set_block(uint32_t region, uintptr_t start, uintptr_t end, bool writable) {
    const uint32_t execute_never = 1u << 28, read_only = 6u << 24, read_write = 3u << 24;
    const uint32_t write_through = 2u << 16, write_back = 11u << 16;
    uint32_t log = 8; // smaller ones have no eighths
    while ((start >> log << log) + ((uintptr_t)1 << log) < end) {
        log++;
    }
    uintptr_t base = start >> log << log;
    uint32_t left_out = 0;
    for (uint32_t i = 0; i < 8u; i++) {
        uintptr_t at = base + ((uintptr_t)i << (log - 3u));
        if (at >= end || at + ((uintptr_t)1 << (log - 3u)) <= start) {
            left_out |= 1u << i;
        }
    }
    MPU_RNR = region;
    MPU_RBAR = (uint32_t)base;
    MPU_RASR = (writable ? execute_never | read_write | write_back : read_only | write_through) |
               left_out << 8 | (log - 1u) << 1 | 1u;
}

// Two blocks, which meet where the addresses of the range differ in the highest bit.
static void set(uint32_t range, uintptr_t start, uintptr_t end, bool writable) {
    uint32_t top = 31u - (uint32_t)__builtin_clz((uint32_t)(start ^ (end - 1u)));
    uintptr_t middle = (end - 1u) >> top << top;
    set_block(2u * range, start, middle, writable);
    set_block(2u * range + 1u, middle, end, writable);
}

#endif

void xn_mpu_allow(uint32_t range, uintptr_t start, uint32_t bytes, bool writable) {
    bytes = bytes == 0 ? 32u : (bytes + 31u) & ~31u;
    if (allowed[range].start != start || allowed[range].bytes != bytes) {
        allowed[range].start = start;
        allowed[range].bytes = bytes;
        set(range, start, start + bytes, writable);
    }
}

void xn_mpu_enable(bool on) {
    const uint32_t enable = 1u, privileged_default = 4u;
    __asm volatile("dsb" ::: "memory");
    MPU_CTRL = on ? enable | privileged_default : 0u;
    __asm volatile("dsb\nisb" ::: "memory");
}
