// setjmp and longjmp that keep every register a callee must keep: r4-r11, sp, lr and d8-d15. The
// upper half, d11-d15, matters where vectors are used: q6 and q7 of MVE live there.
    .syntax unified
    .thumb
    .text

    .global setjmp
    .type setjmp, %function
    .thumb_func
setjmp:
    stmia r0!, {r4-r11}
    mov r2, sp
    stmia r0!, {r2, lr}
    vstmia r0, {d8-d15}
    movs r0, #0
    bx lr
    .size setjmp, . - setjmp

    .global longjmp
    .type longjmp, %function
    .thumb_func
longjmp:
    ldmia r0!, {r4-r11}
    ldmia r0!, {r2, r3}
    mov sp, r2
    mov lr, r3
    vldmia r0, {d8-d15}
    movs r0, r1
    it eq
    moveq r0, #1
    bx lr
    .size longjmp, . - longjmp
