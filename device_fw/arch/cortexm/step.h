// Runs a step and takes it back (step.S): what the handlers of exceptions need.
#ifndef XN_STEP_H
#define XN_STEP_H

#include <stdbool.h>

#include "arch/cortexm/fault.h"

#include "xn_blob.h"

// Entries of the vector table: each may find that it interrupted a step, and then ends it.
void xn_step_svc_entry(void);
void xn_step_fault_entry(void);
void xn_step_clock_entry(void);
// Another: what is done whatever the thread is at (attend.h).
void xn_step_attend_entry(void);

int32_t xn_step_enter(const xn_ctx *ctx, xn_step_fn *step, xn_ctx *stack_end);
// The one piece of the firmware that a step may execute.
extern uint8_t xn_step_gate[];
extern volatile uint32_t xn_step_put_away; // the main stack while a step runs, else 0
bool xn_step_runs(void);
// In the handler of a fault that a step caused.
void xn_step_fault(const xn_fault_frame *pushed, uint32_t return_code);

#endif
