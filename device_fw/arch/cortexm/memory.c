// The memory that the linker script sets aside: the pool of arenas, and the stack that steps use.
#include "core/xn_port.h"

// Of the 64 KB of stack (boards/common/sections.ld) the VM takes at most XN_VM_STACK_BYTES; this is
// what is left for a step after the server and the interrupts had theirs.
#define STEP_STACK_BYTES 16384u

extern uint8_t xn_ld_arena[], xn_ld_arena_end[];

uint8_t *xn_port_arena(uint32_t *bytes) {
    *bytes = (uint32_t)(xn_ld_arena_end - xn_ld_arena);
    return xn_ld_arena;
}

uint32_t xn_port_step_stack(void) {
    return STEP_STACK_BYTES;
}
