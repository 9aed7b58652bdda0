// What the boards and the application use of the Cortex-M itself: Armv7-M and later (Armv6-M has
// no fault status registers, and its Thumb lacks what setjmp.S and fault.c use).
#ifndef XN_CPU_H
#define XN_CPU_H

#include <stdbool.h>
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

// The registers that an exception pushes.
typedef struct xn_fault_frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
} xn_fault_frame;

#define XN_FAULT_NO_ADDRESS 0xFFFFFFFFu

// Where a fault happened, and what it touched, as far as these are known.
uint32_t xn_fault_pc(const xn_fault_frame *pushed, uint32_t cfsr);
uint32_t xn_fault_address(uint32_t cfsr);

// The step that runs, -1: none.
int32_t xn_step_number(void);
// From now on the step has this long; 0: no limit.
void xn_clock_limit_step(uint32_t ms);
// The step that an interrupt found running has had its time; false: it found something else. The
// interrupt is to end in xn_step_leave().
bool xn_step_overdue(const xn_fault_frame *pushed, uint32_t return_code);

// How often the clock interrupts, and so wakes who sleeps, at the latest.
#define XN_CLOCK_TICK_MS 10u

#endif
