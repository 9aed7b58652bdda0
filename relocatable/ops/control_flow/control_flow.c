// IF and WHILE: which graph a step runs next. A graph is called by a macro of the step's own,
// `left` points to the work that the step's loops may still do.
#include "ops/_shared/xn_kernel.h"

// What a step returns if its loops did all the work that they may do.
#define XN_LOOP_TOO_LONG 1

// Bytes to where a graph finds them; from may be to.
XN_KERNEL void xn_carry(const uint8_t *from, uint8_t *to, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i++) {
        to[i] = from[i];
    }
}

#define XN_IF(flag, then, otherwise)                                                               \
    int32_t status = *(flag) != 0 ? then : otherwise;                                              \
    if (status != 0) {                                                                             \
        return status;                                                                             \
    }

#define XN_WHILE(test, flag, body, work)                                                           \
    for (;;) {                                                                                     \
        int32_t status = test;                                                                     \
        if (status != 0) {                                                                         \
            return status;                                                                         \
        }                                                                                          \
        if (*(flag) == 0) {                                                                        \
            break;                                                                                 \
        }                                                                                          \
        if (*left < (work)) {                                                                      \
            return XN_LOOP_TOO_LONG;                                                               \
        }                                                                                          \
        *left -= (work);                                                                           \
        status = body;                                                                             \
        if (status != 0) {                                                                         \
            return status;                                                                         \
        }                                                                                          \
    }
