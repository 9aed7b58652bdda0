// Formatted text: shared/libc/printf.c of MicroPython implements it.
#ifndef XN_STDIO_H
#define XN_STDIO_H

#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

int printf(const char *format, ...);
int vprintf(const char *format, va_list args);
int putchar(int c);
int puts(const char *s);
int snprintf(char *to, size_t size, const char *format, ...);
int vsnprintf(char *to, size_t size, const char *format, va_list args);

#endif
