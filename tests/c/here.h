// Places to run a blob at, of this computer.
#ifndef HERE_H
#define HERE_H

#include "base/xn_port.h"
#include "model/xn_loader.h"

static inline xn_loader_place here(uint32_t arena_bytes) {
    const xn_port_cpu *cpu = xn_port_identity();
    return (xn_loader_place){.family = cpu->family,
                             .level = cpu->level,
                             .features = cpu->features,
                             .arena_bytes = arena_bytes,
                             .stack_bytes = xn_port_step_stack()};
}

#endif
