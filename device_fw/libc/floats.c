// What lib/libm and lib/libm_dbl of MicroPython leave to the C library.
#include <math.h>

float copysignf(float size, float sign) {
    return __builtin_copysignf(size, sign);
}

float nanf(const char *payload) {
    (void)payload;
    return NAN;
}

double copysign(double size, double sign) {
    return __builtin_copysign(size, sign);
}

double nan(const char *payload) {
    (void)payload;
    return NAN;
}
