// Relations of two numbers, for every element type.
#ifndef XN_RELATION_H
#define XN_RELATION_H

#include "ops/_shared/xn_kernel.h"

enum xn_relation {
    XN_BELOW = 0, // the first is less
    XN_ABOVE = 1,
    XN_SAME = 2,
    XN_OTHER = 3,
};

// 1 if two numbers of up to 31 bits are related, else 0.
XN_INLINE uint8_t xn_is_related(int32_t x, int32_t y, int32_t relation) {
    switch (relation) {
    case XN_BELOW:
        return (uint8_t)((uint32_t)(x - y) >> 31);
    case XN_ABOVE:
        return (uint8_t)((uint32_t)(y - x) >> 31);
    case XN_SAME:
        return x == y;
    default:
        return x != y;
    }
}

#endif
