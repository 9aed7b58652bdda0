// lib/libm of MicroPython reports through errno; nothing reads it.
#ifndef XN_ERRNO_H
#define XN_ERRNO_H

extern int errno;

#define EDOM 33
#define ERANGE 34

#endif
