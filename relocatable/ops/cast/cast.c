// CAST.
#include "ops/_shared/xn_kernel.h"

// Integers and bools to anything, as C does it.
#define XN_CAST_INT(in, out, count, T)                                                             \
    for (int32_t i = 0; i < (count); i++) {                                                        \
        (out)[i] = (T)(in)[i];                                                                     \
    }

// Anything to bool.
#define XN_CAST_BOOL(in, out, count)                                                               \
    for (int32_t i = 0; i < (count); i++) {                                                        \
        (out)[i] = (in)[i] != 0 ? 1 : 0;                                                           \
    }

// Floats to integers of [low, high]: towards zero, saturating, NaN to high.
#define XN_CAST_FLOAT(in, out, count, T, low, high)                                                \
    for (int32_t i = 0; i < (count); i++) {                                                        \
        float x = (in)[i];                                                                         \
        (out)[i] = x <= (float)(low) ? (T)(low) : x < (float)(high) ? (T)x : (T)(high);            \
    }
