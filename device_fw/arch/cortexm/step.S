// The way into a step and out of it. A step runs unprivileged on a stack of its own: it reaches
// only what the MPU leaves it (mpu.c). The way out is an exception: the step's own call of the
// supervisor when it returns, a fault, or the clock. Whatever the step did to registers and stack,
// execution continues at `resume` with those that xn_step_enter() saved. For an Armv6-M there is
// step_v6m.S.
    .syntax unified
    .thumb
    .text

#if __ARM_ARCH > 6

// int32_t xn_step_enter(const xn_ctx *ctx, xn_step_fn *step, uint32_t stack_end)
    .global xn_step_enter
    .type xn_step_enter, %function
    .thumb_func
xn_step_enter:
    push {r3-r11, lr}
    vmrs r3, fpscr
    push {r2, r3}
    vpush {d8-d15}
    ldr r3, =xn_step_put_away
    mov r12, sp
    str r12, [r3]
    msr psp, r2
    mrs r3, control
    orr r3, r3, #3 // unprivileged, on the process stack
    ldr lr, =xn_step_return
    ldr r12, =xn_step_gate
    bx r12
    .pool

#include "arch/cortexm/step_gate.inc"

// ---- Handlers -----------------------------------------------------------------------------------

// Both branch to xn_fault_fatal unless a step was interrupted. It was if bits 2 and 3 of the return
// code say "a thread on the process stack" and xn_step_enter() has saved something to return to.
    .macro unless_in_step to
    and r1, lr, #12
    cmp r1, #12
    bne \to
    ldr r1, =xn_step_put_away
    ldr r1, [r1]
    cmp r1, #0
    beq \to
    .endm

    .global xn_step_svc_entry
    .type xn_step_svc_entry, %function
    .thumb_func
xn_step_svc_entry:
    unless_in_step xn_fault_fatal
    mrs r0, psp
    ldr r0, [r0] // r0 of the step: its result
    b xn_step_leave

    .global xn_step_fault_entry
    .type xn_step_fault_entry, %function
    .thumb_func
xn_step_fault_entry:
    unless_in_step xn_fault_fatal
    mov r3, lr
    bl drop_floats // before code that may use them
    mrs r0, psp
    mov r1, r3
    bl xn_step_fault
    b xn_step_leave

// The clock interrupts anything: only what its limit says is over ends here.
    .global xn_step_clock_entry
    .type xn_step_clock_entry, %function
    .thumb_func
xn_step_clock_entry:
    mov r1, lr
    tst lr, #4
    ite eq
    mrseq r0, msp
    mrsne r0, psp
    push {r4, lr}
    bl xn_clock_tick
    pop {r4, lr}
    cmp r0, #0
    bne xn_step_leave
    bx lr

// Clears FPCCR.LSPACT, which gives up registers that wait to be stored on the step's stack: the
// first float or vector instruction would store them, and fault again.
    .thumb_func
drop_floats:
    ldr r1, =0xE000EF34
    ldr r2, [r1]
    bic r2, r2, #1
    str r2, [r1]
    bx lr

// Ends the exception in xn_step_enter(), which returns r0.
    .global xn_step_leave
    .type xn_step_leave, %function
    .thumb_func
xn_step_leave:
    bl drop_floats
    mrs r1, control
    bic r1, r1, #1
    msr control, r1
    isb
    ldr r3, =xn_step_put_away
    ldr r1, [r3]
    movs r2, #0
    str r2, [r3]
    ldr r2, =resume
// To r2, with r0, and the main stack at r1.
    .global xn_step_enter_thread
    .type xn_step_enter_thread, %function
    .thumb_func
xn_step_enter_thread:
    sub r1, r1, #32 // the registers that an exception pushes
    bic r2, r2, #1
    mov r3, #0x01000000 // Thumb
    str r0, [r1]
    str r2, [r1, #24]
    str r3, [r1, #28]
    msr msp, r1
    ldr lr, =0xFFFFFFF9 // to thread mode, on the main stack, without float registers
    bx lr

    .thumb_func
resume:
    vpop {d8-d15}
    pop {r2, r3}
    vmsr fpscr, r3
    pop {r3-r11, pc}
    .pool

#endif
