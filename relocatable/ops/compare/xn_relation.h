// Relations of two numbers, for every element type.
#ifndef XN_RELATION_H
#define XN_RELATION_H

#include "ops/_shared/xn_kernel.h"

// Of the first number to the second.
enum xn_relation {
    XN_BELOW = 0,
    XN_ABOVE = 1,
    XN_SAME = 2,
    XN_OTHER = 3,
};

// 1 if two numbers of up to 31 bits are related, else 0; for SAME and OTHER of one sign.
XN_INLINE uint8_t xn_is_related(int32_t x, int32_t y, int32_t relation) {
    __asm__("" : "+r"(x)); // Clang, knowing more, would make comparisons and branches
    uint32_t difference = (uint32_t)(x ^ y);
    switch (relation) {
    case XN_BELOW:
        return (uint8_t)(((uint32_t)x - (uint32_t)y) >> 31);
    case XN_ABOVE:
        return (uint8_t)(((uint32_t)y - (uint32_t)x) >> 31);
    case XN_SAME:
        return (uint8_t)((difference - 1u) >> 31);
    default:
        return (uint8_t)((0u - difference) >> 31);
    }
}

#endif
