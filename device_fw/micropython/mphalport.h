// The hardware as MicroPython sees it: all through the core and the port header.
#ifndef XN_MPHALPORT_H
#define XN_MPHALPORT_H

#include <stddef.h>

#include "py/mpconfig.h"
#include "shared/runtime/interrupt_char.h"

static inline mp_uint_t mp_hal_ticks_cpu(void) {
    mp_uint_t mp_hal_ticks_us(void);
    return mp_hal_ticks_us();
}

#endif
