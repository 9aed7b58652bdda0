// The clock behind xn_port_time_us(), and the time limit of a step.
#ifndef XN_CLOCK_H
#define XN_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/cortexm/fault.h"

// The longest time between two interrupts of the clock, each of which ends a sleep.
#define XN_CLOCK_TICK_MS 10u

void xn_clock_start(void);

// The core could not be brought to XN_CLOCK_HZ: it runs at hz, and so do all buses. Called before
// xn_clock_start().
void xn_clock_slow(uint32_t hz);
// The clock of a device that has `hz` if the core has XN_CLOCK_HZ.
uint32_t xn_clock_bus_hz(uint32_t hz);

// Asked when the limit is reached: whether the interrupted code must end.
typedef bool xn_clock_limit_fn(const xn_fault_frame *pushed, uint32_t return_code);
// Asks `is_over` in ms from now on, and then at each tick until it says yes; 0 ms: never.
void xn_clock_limit(uint32_t ms, xn_clock_limit_fn *is_over);
// The interrupt; true: the interrupted code must end.
bool xn_clock_tick(const xn_fault_frame *pushed, uint32_t return_code);

#endif
