// The speeds of a UART that divides its clock by a whole number.
#ifndef XN_DIVIDED_CLOCK_H
#define XN_DIVIDED_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

// The divider whose speed is nearest; rate: not 0.
static inline uint32_t xn_divided_clock(uint32_t hz, uint32_t rate) {
    return (hz + rate / 2u) / rate;
}

// Whether a divider of [least, most] gives the speed, to 2 %.
static inline bool xn_divided_clock_fits(uint32_t hz, uint32_t rate, uint32_t least,
                                         uint32_t most) {
    if (rate == 0 || xn_divided_clock(hz, rate) < least || xn_divided_clock(hz, rate) > most) {
        return false;
    }
    uint32_t real = hz / xn_divided_clock(hz, rate);
    return (real > rate ? real - rate : rate - real) <= rate / 50u;
}

#endif
