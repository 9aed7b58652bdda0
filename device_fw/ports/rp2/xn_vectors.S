// The SDK's vector table leads here by these names: handlers of the core's exceptions; and the
// stack of steps, which one region of an MPU opens.
#include "pico.h" // which may rename them

    .syntax unified
    .thumb
    .text

    .macro leads_to name, to
    .global \name
    .type \name, %function
    .thumb_func
\name:
    ldr r0, =\to
    bx r0
    .endm

    leads_to isr_svcall, xn_step_svc_entry
    leads_to isr_hardfault, xn_step_fault_entry
    .pool

    .section .bss.xn_step_stack, "aw", %nobits
    .balign 4096
    .global xn_ld_step_stack, xn_ld_step_stack_end
xn_ld_step_stack:
    .space 4096
xn_ld_step_stack_end:
