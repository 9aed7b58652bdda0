// DIV of bytes by slopes: for each divisor, by its bits as unsigned, the number that the first
// operand is multiplied with, less its zero point and in 2^-7. The product's upper part, without
// its 16 last bits, is the quotient in 2^-13.
#ifndef XN_QUOTIENT_H
#define XN_QUOTIENT_H

#include <stdint.h>

#include "ops/_shared/xn_broadcast.h"

#define XN_QUOTIENT_LIFT 7
#define XN_QUOTIENT_BITS 13

// What rounds the quotient, and adds the output's zero point. It is a little more than half: of
// quotients that lie just between two integers LiteRT takes the nearer one to zero or the other.
#define XN_QUOTIENT_HALF(zero) ((1 + 2 * (zero)) * (1 << (XN_QUOTIENT_BITS - 1)) + 2)

typedef struct xn_quotient {
    xn_broadcast shape;
    int32_t a_zero, out_zero;
    int32_t low, high; // clamp of the output
} xn_quotient;

#endif
