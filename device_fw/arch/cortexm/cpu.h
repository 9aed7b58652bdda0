// What the boards and the application use of the Cortex-M itself: Armv7-M and later (Armv6-M has
// no fault status registers, and its Thumb lacks what setjmp.S and fault.c use).
#ifndef XN_CPU_H
#define XN_CPU_H

#include <stdint.h>

// Everything between reset and main: fault handlers, caches, floating point.
void xn_cpu_start(void);
// Lets an external interrupt through.
void xn_cpu_enable_irq(uint32_t irq);
// Sleeps until an interrupt is pending. To be called locked (xn_port_lock), so that an event that
// came after the last look at it is not slept through.
void xn_cpu_sleep(void);
// Writes back and drops what the data cache holds of [start, start + n).
void xn_cpu_flush(const void *start, uint32_t n);
// Takes over the report of the last run from the memory that resets leave alone.
void xn_fault_start(void);
// Starts the clock behind xn_port_time_us().
void xn_clock_start(void);

// A step has had its time: stores a report and resets. `pushed`: the registers that the interrupt
// pushed.
void xn_fault_deadline(const void *pushed);

// How often the clock interrupts, and so wakes who sleeps, at the latest.
#define XN_CLOCK_TICK_MS 10u

#endif
