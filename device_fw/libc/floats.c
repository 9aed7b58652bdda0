// What lib/libm of MicroPython leaves to the C library.
#include <math.h>

float copysignf(float size, float sign) {
    return __builtin_copysignf(size, sign);
}

float nanf(const char *payload) {
    (void)payload;
    return NAN;
}
