#ifndef XN_STDLIB_H
#define XN_STDLIB_H

#include <stddef.h>

__attribute__((noreturn)) void abort(void);
__attribute__((noreturn)) void exit(int status);

#define abs(x) __builtin_abs(x)

#endif
