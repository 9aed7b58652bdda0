// arch/cortexm/setjmp.S: r4-r11, sp, lr, d8-d15.
#ifndef XN_SETJMP_H
#define XN_SETJMP_H

typedef unsigned long long jmp_buf[13];

__attribute__((returns_twice)) int setjmp(jmp_buf env);
__attribute__((noreturn)) void longjmp(jmp_buf env, int value);

#endif
