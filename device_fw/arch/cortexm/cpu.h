// What the boards and the application use of the Cortex-M itself: Armv7-M and later (Armv6-M has
// no fault status registers, and its Thumb lacks what setjmp.S and fault.c use).
#ifndef XN_CPU_H
#define XN_CPU_H

#include <stdbool.h>
#include <stdint.h>

// Lets an external interrupt through.
void xn_cpu_enable_irq(uint32_t irq);
// The number of the external interrupt that is being handled.
uint32_t xn_cpu_irq(void);
// Sleeps until an interrupt is pending. Call it locked (xn_port_lock): otherwise an event that came
// after the last look at it is slept through.
void xn_cpu_sleep(void);
// Lets what the clock's interrupt puts off (PendSV) wait until xn_cpu_resume() with what this
// returned; all other interrupts go on.
uint32_t xn_cpu_defer(void);
void xn_cpu_resume(uint32_t state);

#endif
