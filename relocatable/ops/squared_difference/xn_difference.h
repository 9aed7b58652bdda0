// SQUARED_DIFFERENCE of int8 by a table: what the operand of the smaller scale is in the common
// scale, times 2^7, by its bits as unsigned. The other's values count 2^6, with a zero point that
// is part of the table.
#ifndef XN_DIFFERENCE_H
#define XN_DIFFERENCE_H

#include <stdint.h>

#include "ops/_shared/xn_broadcast.h"

typedef struct xn_difference {
    xn_broadcast shape;
    int32_t is_second;               // whether the second operand is that of the smaller scale
    int32_t zero, multiplier, right; // of the output; right: of the shift, from 0 on
} xn_difference;

#endif
