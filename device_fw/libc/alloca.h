#ifndef XN_ALLOCA_H
#define XN_ALLOCA_H

#define alloca(n) __builtin_alloca(n)

#endif
