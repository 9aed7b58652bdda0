// A bare virtual Cortex-M: start, faults, files by semihosting.
#include "runner.h"

extern uint32_t stack_top;

const uintptr_t mode_bits = 1; // Thumb

static int32_t semihost(int32_t operation, const void *argument) {
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void write_file(const char *name, uint32_t name_bytes, const void *data, uint32_t bytes) {
    const uint32_t open[3] = {(uint32_t)name, 5, name_bytes - 1}; // "wb"
    uint32_t handle = (uint32_t)semihost(1, open);
    const uint32_t write[3] = {handle, (uint32_t)data, bytes};
    semihost(5, write);
    semihost(2, &handle);
}

_Noreturn void leave(int has_failed) {
    semihost(0x18, (const void *)(has_failed ? 0x20023 : 0x20026)); // SYS_EXIT
    for (;;) {
    }
}

static void fault(void) {
    leave(1);
}

static void reset(void) {
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; // floating point and Helium on
    __asm__ volatile("dsb\nisb");
    run_program();
}

__attribute__((section(".vectors"), used)) const void *const vectors[16] = {
    &stack_top,          (const void *)reset, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault, (const void *)fault};
