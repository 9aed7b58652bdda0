// Runs the steps of a program once on a bare virtual Cortex-M, then hands the arena to the test
// through a file (semihosting).
#include <stdint.h>

typedef struct xn_ctx {
    uint8_t *arena;
    const uint8_t *weights;
} xn_ctx;

extern const uint8_t code[], weights[];
extern const uint32_t steps[], step_count, arena_bytes;
extern uint8_t arena[];
extern uint32_t stack_top;

static int32_t semihost(int32_t operation, const void *argument) {
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(uint32_t reason) {
    semihost(0x18, (const void *)reason); // SYS_EXIT
    for (;;) {
    }
}

static void fault(void) {
    leave(0x20023);
}

static void reset(void) {
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; // floating point and Helium on
    __asm__ volatile("dsb\nisb");
    xn_ctx ctx = {arena, weights};
    for (uint32_t i = 0; i < step_count; i++) {
        int32_t (*step)(const xn_ctx *) = (int32_t (*)(const xn_ctx *))(code + steps[i] + 1);
        if (step(&ctx) != 0) {
            leave(0x20023);
        }
    }
    static const char name[] = "arena.bin";
    const uint32_t open[3] = {(uint32_t)name, 5, sizeof name - 1}; // "wb"
    uint32_t handle = (uint32_t)semihost(1, open);
    const uint32_t write[3] = {handle, (uint32_t)arena, arena_bytes};
    semihost(5, write);
    semihost(2, &handle);
    leave(0x20026);
}

__attribute__((section(".vectors"), used)) const void *const vectors[16] = {
    &stack_top,          (const void *)reset, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault, (const void *)fault};
