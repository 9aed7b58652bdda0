// What the boards and the application use of the Cortex-M itself: Armv7-M and later (Armv6-M has
// no fault status registers, and its Thumb lacks what setjmp.S and fault.c use).
#ifndef XN_CPU_H
#define XN_CPU_H

#include <stdbool.h>
#include <stdint.h>

// Lets an external interrupt through.
void xn_cpu_enable_irq(uint32_t irq);
// Sleeps until an interrupt is pending. Call it locked (xn_port_lock): otherwise an event that came
// after the last look at it is slept through.
void xn_cpu_sleep(void);

#endif
