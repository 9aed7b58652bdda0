// The MPS2 boards of upstream's ports/qemu, which has no clock: the board's own 100 Hz counter.
#include "core/base/xn_port.h"

#define COUNTER_100HZ (*(volatile uint32_t *)0x40028014)

uint64_t xn_port_time_us(void) {
    return (uint64_t)COUNTER_100HZ * 10000u;
}
