// step.S for the Armv6-M: the same ways in and out, with the instructions and registers that there
// are. All faults come as one, HardFault.
    .syntax unified
    .thumb
    .text

#if __ARM_ARCH == 6

// int32_t xn_step_enter(const xn_ctx *ctx, xn_step_fn *step, uint32_t stack_end)
    .global xn_step_enter
    .type xn_step_enter, %function
    .thumb_func
xn_step_enter:
    push {r3-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    ldr r3, =xn_step_put_away
    mov r4, sp
    str r4, [r3]
    msr psp, r2
    mrs r3, control
    movs r4, #3 // unprivileged, on the process stack
    orrs r3, r4
    ldr r4, =xn_step_return
    mov lr, r4
    ldr r4, =xn_step_gate
    bx r4
    .pool

#include "arch/cortexm/step_gate.inc"

// ---- Handlers -----------------------------------------------------------------------------------

    .macro unless_in_step to
    mov r1, lr
    movs r2, #12
    ands r1, r2
    cmp r1, r2
    bne 1f
    ldr r1, =xn_step_put_away
    ldr r1, [r1]
    cmp r1, #0
    bne 2f
1:  ldr r1, =\to
    bx r1
2:
    .endm

    .global xn_step_svc_entry
    .type xn_step_svc_entry, %function
    .thumb_func
xn_step_svc_entry:
    unless_in_step nothing
    mrs r0, psp
    ldr r0, [r0] // r0 of the step: its result
    b xn_step_leave

// A call whose registers the step's stack could not take ended as a fault, and is still pending:
// no register clears that.
    .thumb_func
nothing:
    bx lr

    .global xn_step_fault_entry
    .type xn_step_fault_entry, %function
    .thumb_func
xn_step_fault_entry:
    unless_in_step xn_fault_fatal
    mrs r0, psp
    mov r1, lr
    bl xn_step_fault
    b xn_step_leave

    .global xn_step_clock_entry
    .type xn_step_clock_entry, %function
    .thumb_func
xn_step_clock_entry:
    mov r1, lr
    movs r2, #4
    mrs r0, msp
    tst r1, r2
    beq 1f
    mrs r0, psp
1:  push {r4, lr}
    bl xn_clock_tick
    pop {r1, r2}
    mov lr, r2
    cmp r0, #0
    bne xn_step_leave
    bx lr

// Ends the exception in xn_step_enter(), which returns r0.
    .global xn_step_leave
    .type xn_step_leave, %function
    .thumb_func
xn_step_leave:
    mrs r1, control
    movs r2, #1
    bics r1, r2
    msr control, r1
    isb
    ldr r3, =xn_step_put_away
    ldr r1, [r3]
    movs r2, #0
    str r2, [r3]
    subs r1, #32 // the registers that an exception pushes
    ldr r2, =resume
    lsrs r2, r2, #1
    lsls r2, r2, #1
    movs r3, #1
    lsls r3, r3, #24 // Thumb
    str r0, [r1]
    str r2, [r1, #24]
    str r3, [r1, #28]
    msr msp, r1
    ldr r0, =0xFFFFFFF9 // to thread mode, on the main stack
    bx r0

    .thumb_func
resume:
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r3-r7, pc}
    .pool

#endif
