// The lowest interrupt, in which the application is attended.
    .syntax unified
    .thumb
    .text

// PendSV comes at each tick of the clock, whatever the thread is at, and gives way to every other
// interrupt. The application (attend.h) says where the thread goes on, with an empty stack; 0: where it was.
    .global xn_step_attend_entry
    .type xn_step_attend_entry, %function
    .thumb_func
xn_step_attend_entry:
    push {r4, lr}
    bl xn_attend
    pop {r4, lr}
    cbz r0, 1f
    mov r2, r0
    ldr r1, =xn_ld_stack_end
    b xn_step_enter_thread
1:
    bx lr
    .pool
