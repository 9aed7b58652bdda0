// How a Cortex-M moves memory, for xn_rows.h: all macros advance their pointers.
//     XN_MOVE_DOWN(to, from, count): from lower to higher addresses, as much of `count` as it can.
//     XN_MOVE_UP_16(to, from): the 16 bytes before both pointers, which are multiples of 16.
// What kernels for every CPU ask for: XN_HAS_VECTORS, Helium; XN_LOADS_HALVES, the compiler takes
// loads of half precision; XN_HIDE(pointer), that it does not follow where a pointer comes from,
// since it would make an offset of its own for each of a loop's accesses far into the arena.
#ifndef XN_ARM_H
#define XN_ARM_H

#if defined(__ARM_FEATURE_FP16_SCALAR_ARITHMETIC)
#define XN_LOADS_HALVES 1
#endif

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

#define XN_HAS_VECTORS 1

#define XN_MOVE_DOWN(to, from, count)                                                              \
    for (; count > 0; count -= 16, from += 16, to += 16) {                                         \
        mve_pred16_t lanes = vctp8q((uint32_t)count);                                              \
        vstrbq_p_u8(to, vldrbq_z_u8(from, lanes), lanes);                                          \
    }

#define XN_MOVE_UP_16(to, from)                                                                    \
    from -= 16;                                                                                    \
    to -= 16;                                                                                      \
    vstrbq_u8(to, vldrbq_u8(from))

#else

#define XN_HIDE(pointer) __asm__("" : "+r"(pointer))

#define XN_MOVE_DOWN(to, from, count)                                                              \
    if ((((uintptr_t)to | (uintptr_t)from) & 3) == 0) {                                            \
        for (; count >= 16; count -= 16) {                                                         \
            __asm__ volatile("ldmia %[at]!, {r3, r4, r5, r6}\n"                                    \
                             "stmia %[goal]!, {r3, r4, r5, r6}\n"                                  \
                             : [at] "+l"(from), [goal] "+l"(to)                                    \
                             :                                                                     \
                             : "r3", "r4", "r5", "r6", "memory");                                  \
        }                                                                                          \
    }

#if __ARM_ARCH >= 7
#define XN_MOVE_UP_16(to, from)                                                                    \
    __asm__ volatile("ldmdb %[at]!, {r3, r4, r5, r6}\n"                                            \
                     "stmdb %[goal]!, {r3, r4, r5, r6}\n"                                          \
                     : [at] "+l"(from), [goal] "+l"(to)                                            \
                     :                                                                             \
                     : "r3", "r4", "r5", "r6", "memory")
#endif

#endif
#endif
