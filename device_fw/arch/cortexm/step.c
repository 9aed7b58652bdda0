// Runs a step and takes it back: when it returns, faults, or has had its time.
#include "arch/cortexm/step.h"

#include "arch/cortexm/clock.h"
#include "arch/cortexm/mpu.h"
#include "arch/cortexm/scs.h"
#include "core/base/xn_port.h"
#include "core/base/xn_status.h"
#include "core/store/xn_bundle.h"

// The start of a step's stack holds its context; its end what an exception pushes.
#define RESERVED_BYTES 256u

extern uint8_t xn_ld_step_stack[], xn_ld_step_stack_end[];

volatile uint32_t xn_step_put_away;

static volatile int stopped; // XN_OK, or why
static xn_port_stop stop;

uint32_t xn_port_step_stack(void) {
    return (uint32_t)(xn_ld_step_stack_end - xn_ld_step_stack) - RESERVED_BYTES;
}

// As the store gives them, whole sectors or what a bundle's members begin on: they take fewer
// regions, and the rest is empty.
static uint32_t whole(uint32_t bytes) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    uint32_t last = (sector < XN_BUNDLE_ALIGN ? sector : XN_BUNDLE_ALIGN) - 1u;
    return (bytes + last) & ~last;
}

static void allow(const xn_port_step *step) {
    uintptr_t gate = (uintptr_t)xn_step_gate & ~(uintptr_t)1; // of Thumb
    uint32_t weights_bytes = whole(step->weights_bytes);
    xn_mpu_allow(0, gate, XN_MPU_GATE_BYTES, false);
    xn_mpu_allow(1, (uintptr_t)xn_ld_step_stack,
                 (uint32_t)(xn_ld_step_stack_end - xn_ld_step_stack), true);
    xn_mpu_allow(2, (uintptr_t)step->ctx->arena, step->arena_bytes, true);
    xn_mpu_allow_flash((uintptr_t)step->blob, whole(step->blob_bytes),
                       (uintptr_t)step->ctx->weights, weights_bytes);
}

// Ends a step whose time is over; false: the clock interrupted something else.
static bool is_overdue(const xn_fault_frame *pushed, uint32_t return_code) {
    if ((return_code & 12u) != 12u || xn_step_put_away == 0) {
        return false;
    }
    stop = (xn_port_stop){.address = XN_FAULT_NO_ADDRESS};
    stop.pc = return_code & EXC_RETURN_SECURE ? pushed->pc : 0;
    stopped = XN_E_DEADLINE;
    return true;
}

bool xn_step_runs(void) {
    return xn_fault_step >= 0;
}

int xn_port_run_step(const xn_port_step *step, xn_port_stop *why) {
    xn_ctx *ctx = (xn_ctx *)((uintptr_t)xn_ld_step_stack_end - 2u * sizeof *ctx);
    *ctx = *step->ctx;
    stopped = XN_OK;
    xn_fault_step = step->number;
    allow(step);
    xn_mpu_enable(true);
    xn_clock_limit(step->limit_ms, is_overdue);
    int32_t result = xn_step_enter(ctx, step->function, ctx);
    xn_clock_limit(0, is_overdue);
    xn_mpu_enable(false);
    xn_fault_step = -1;
    if (stopped != XN_OK) {
        *why = stop;
        return stopped;
    }
    why->returned = result;
    return XN_OK;
}

#if __ARM_ARCH == 6

// The registers that the fault pushed, if they are where a step's stack is.
static bool lie_in_stack(const xn_fault_frame *pushed) {
    uintptr_t at = (uintptr_t)pushed;
    return at % 4u == 0 && at >= (uintptr_t)xn_ld_step_stack &&
           at <= (uintptr_t)xn_ld_step_stack_end - sizeof *pushed;
}

// There are no registers that say more.
void xn_step_fault(const xn_fault_frame *pushed, uint32_t return_code) {
    (void)return_code;
    stop = (xn_port_stop){.address = XN_FAULT_NO_ADDRESS};
    stop.pc = lie_in_stack(pushed) ? pushed->pc : 0;
    stopped = XN_E_FAULT;
}

#else

void xn_step_fault(const xn_fault_frame *pushed, uint32_t return_code) {
    uint32_t cfsr = SCB_CFSR;
    // Of a step that left the Secure state nothing was pushed on its stack, wherever that is now.
    stop.pc = return_code & EXC_RETURN_SECURE ? xn_fault_pc(pushed, cfsr) : 0;
    stop.address = xn_fault_address(cfsr);
    stop.cfsr = cfsr;
    stop.sfsr = 0;
#if __ARM_ARCH >= 8
    stop.sfsr = SAU_SFSR;
    if (stop.sfsr & SFSR_SFARVALID) {
        stop.address = SAU_SFAR;
    }
    SAU_SFSR = stop.sfsr;
#endif
    stopped = XN_E_FAULT;
    SCB_CFSR = cfsr; // what is written as 1 is cleared
    SCB_HFSR = SCB_HFSR;
    // If pushing the registers failed, the exception that they were pushed for is still pending.
    SCB_SHCSR &= ~SHCSR_PENDING;
}

#endif
