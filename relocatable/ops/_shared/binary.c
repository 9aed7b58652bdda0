// Functions of two plain numbers, with broadcast. An input of the output's size may be overwritten.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"

typedef struct {
    xn_broadcast shape;
    XN_T low, high; // clamp of the output
} XN_NAME(xn_binary_params);

#if XN_IS_FLOAT
#define XN_WRAPPED(x, operation, y) ((x)operation(y))

static inline XN_T XN_NAME(quotient)(XN_T x, XN_T y) {
    return x / y;
}

static inline XN_T XN_NAME(floor_quotient)(XN_T x, XN_T y) {
    double exact = (double)x / (double)y;
    float whole = xn_floorf((float)exact);
    return (double)whole > exact ? whole - 1.0f : whole;
}

static inline XN_T XN_NAME(remainder)(XN_T x, XN_T y) {
    return xn_remainderf(x, y);
}

static inline XN_T XN_NAME(power)(XN_T x, XN_T y) {
    return xn_powf(x, y);
}
#else
// Integers that overflow wrap around.
#define XN_WRAPPED(x, operation, y) ((XN_T)((uint64_t)(x)operation(uint64_t)(y)))

// Towards zero; division by zero makes 0 and leaves 0.
static inline XN_T XN_NAME(quotient)(XN_T x, XN_T y) {
    return y == 0 ? 0 : y == (XN_T)-1 ? XN_WRAPPED(0, -, x) : (XN_T)(x / y);
}

static inline XN_T XN_NAME(remainder)(XN_T x, XN_T y) {
    return y == 0 ? 0 : XN_WRAPPED(x, -, XN_WRAPPED(XN_NAME(quotient)(x, y), *, y));
}

static inline XN_T XN_NAME(floor_quotient)(XN_T x, XN_T y) {
    XN_T whole = XN_NAME(quotient)(x, y), rest = XN_NAME(remainder)(x, y);
    return y != 0 && rest != 0 && (rest < 0) != (y < 0) ? (XN_T)(whole - 1) : whole;
}

// For y of at least 0.
static inline XN_T XN_NAME(power)(XN_T x, XN_T y) {
    XN_T result = 1;
    for (; y > 0; y /= 2, x = XN_WRAPPED(x, *, x)) {
        result = y % 2 == 1 ? XN_WRAPPED(result, *, x) : result;
    }
    return result;
}
#endif

// Of the sign of y.
static inline XN_T XN_NAME(floor_remainder)(XN_T x, XN_T y) {
    XN_T rest = XN_NAME(remainder)(x, y);
    return y != 0 && rest != 0 && (rest < 0) != (y < 0) ? (XN_T)(rest + y) : rest;
}

static inline XN_T XN_NAME(between)(XN_T x, const XN_NAME(xn_binary_params) * p) {
    return x < p->low ? p->low : x > p->high ? p->high : x;
}

static inline XN_T XN_NAME(squared)(XN_T x) {
    return XN_WRAPPED(x, *, x);
}

// in_a, in_b: T; out: R; result: for x and y.
#define XN_BINARY(name, R, result)                                                                 \
    XN_KERNEL void XN_NAME(xn_##name)(const XN_T *in_a, const XN_T *in_b, R *out,                  \
                                      const XN_NAME(xn_binary_params) * p) {                       \
        XN_BROADCAST_EACH(&p->shape, {                                                             \
            XN_T x = in_a[a];                                                                      \
            XN_T y = in_b[b];                                                                      \
            *out++ = (R)(result);                                                                  \
        })                                                                                         \
    }

XN_BINARY(maximum, XN_T, x > y ? x : y)
XN_BINARY(minimum, XN_T, x < y ? x : y)
XN_BINARY(sum, XN_T, XN_WRAPPED(x, +, y))
XN_BINARY(clamped_add, XN_T, XN_NAME(between)(XN_WRAPPED(x, +, y), p))
XN_BINARY(clamped_sub, XN_T, XN_NAME(between)(XN_WRAPPED(x, -, y), p))
XN_BINARY(clamped_mul, XN_T, XN_NAME(between)(XN_WRAPPED(x, *, y), p))
XN_BINARY(clamped_div, XN_T, XN_NAME(between)(XN_NAME(quotient)(x, y), p))
XN_BINARY(squared_difference, XN_T, XN_NAME(squared)(XN_WRAPPED(x, -, y)))
XN_BINARY(floor_div, XN_T, XN_NAME(floor_quotient)(x, y))
XN_BINARY(floor_mod, XN_T, XN_NAME(floor_remainder)(x, y))
XN_BINARY(pow, XN_T, XN_NAME(power)(x, y))

#if !XN_IS_FLOAT
// Truth is 0 or 1.
XN_BINARY(logical_and, uint8_t, x &y)
XN_BINARY(logical_or, uint8_t, x | y)
#endif

XN_BINARY(equal, uint8_t, x == y)
XN_BINARY(not_equal, uint8_t, x != y)
XN_BINARY(greater, uint8_t, x > y)
XN_BINARY(greater_equal, uint8_t, x >= y)
XN_BINARY(less, uint8_t, x < y)
XN_BINARY(less_equal, uint8_t, x <= y)

#undef XN_WRAPPED
#undef XN_BINARY
