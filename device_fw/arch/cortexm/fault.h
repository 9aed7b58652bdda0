// Faults: the report that outlives a reset, and where one happened.
#ifndef XN_FAULT_H
#define XN_FAULT_H

#include <stdint.h>

// Takes over the last run's report from the memory that resets leave alone.
void xn_fault_start(void);
// Handles a fault that no step caused: writes the report and restarts.
void xn_fault_fatal(void);

// The registers that an exception pushes.
typedef struct xn_fault_frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, xpsr;
} xn_fault_frame;

#define XN_FAULT_NO_ADDRESS 0xFFFFFFFFu

// Where a fault happened, and what it touched, as far as these are known; `cfsr` is 0 on an
// Armv6-M, which does not tell.
uint32_t xn_fault_pc(const xn_fault_frame *pushed, uint32_t cfsr);
uint32_t xn_fault_address(uint32_t cfsr);
void xn_fault_report(const xn_fault_frame *pushed);

// The step that runs, for the report; -1: none. Set by its caller.
extern volatile int32_t xn_fault_step;

#endif
