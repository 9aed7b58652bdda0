// The memory that the linker script sets aside for arenas.
#include "core/base/xn_port.h"

extern uint8_t xn_ld_arena[], xn_ld_arena_end[];

uint8_t *xn_port_arena(uint32_t *bytes) {
    *bytes = (uint32_t)(xn_ld_arena_end - xn_ld_arena);
    return xn_ld_arena;
}
