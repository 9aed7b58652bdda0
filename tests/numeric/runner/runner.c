// Runs the steps of a program once; files hand the arena, and the stack that was used, to the test.
#include "runner.h"

typedef struct xn_ctx {
    uint8_t *arena;
    const uint8_t *weights;
} xn_ctx;

typedef int32_t step_fn(const xn_ctx *);

// From data.S.
extern const uint8_t code[], weights[];
extern const uint32_t steps[], step_count, arena_bytes;
extern uint8_t arena[];

register uintptr_t stack_pointer __asm__("sp");

static const uint32_t colour = 0xC5C5C5C5u, painted_bytes = 16384;

// The stack below the caller is painted; what a step changes of it, it has used.
static __attribute__((noinline)) uint32_t stack_of(step_fn *step, const xn_ctx *ctx) {
    volatile uint32_t *top = (volatile uint32_t *)stack_pointer;
    volatile uint32_t *at = top - painted_bytes / sizeof colour;
    for (volatile uint32_t *p = at; p < top; p++) {
        *p = colour;
    }
    if (step(ctx) != 0) {
        leave(1);
    }
    while (at < top && *at == colour) {
        at++;
    }
    return (uint32_t)((uintptr_t)top - (uintptr_t)at);
}

void run_program(void) {
    xn_ctx ctx = {arena, weights};
    uint32_t stack_bytes = 0;
    for (uint32_t i = 0; i < step_count; i++) {
        uint32_t used = stack_of((step_fn *)((uintptr_t)code + steps[i] + mode_bits), &ctx);
        stack_bytes = used > stack_bytes ? used : stack_bytes;
    }
    static const char arena_name[] = "arena.bin", stack_name[] = "stack.bin";
    write_file(arena_name, sizeof arena_name, arena, arena_bytes);
    write_file(stack_name, sizeof stack_name, &stack_bytes, sizeof stack_bytes);
    leave(0);
}
