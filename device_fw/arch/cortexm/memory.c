// Places that the linker script knows: the memory for arenas, the firmware's own bytes.
#include "core/base/xn_port.h"

extern uint8_t xn_ld_arena[], xn_ld_arena_end[];

uint8_t *xn_port_arena(uint32_t *bytes) {
    *bytes = (uint32_t)(xn_ld_arena_end - xn_ld_arena);
    return xn_ld_arena;
}

#if XN_LOCKABLE

extern const uint8_t xn_ld_vectors[], xn_ld_vectors_end[]; // empty if they are in the image
extern const uint8_t xn_ld_image[], xn_ld_image_end[];

bool xn_port_image(uint32_t part, const uint8_t **at, uint32_t *bytes) {
    uint32_t vectors = (uint32_t)(xn_ld_vectors_end - xn_ld_vectors);
    bool is_vectors = part == 0 && vectors > 0;
    *at = is_vectors ? xn_ld_vectors : xn_ld_image;
    *bytes = is_vectors ? vectors : (uint32_t)(xn_ld_image_end - xn_ld_image);
    return part < 1u + (vectors > 0);
}

#endif
