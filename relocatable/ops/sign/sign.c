// ABS, NEG and LOGICAL_NOT of plain numbers. The input may be overwritten.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "ops/_shared/xn_scale.h"

typedef struct {
    int32_t count;
    int32_t multiplier, shift; // of scaled_abs
} XN_NAME(xn_sign_params);

#if XN_IS_FLOAT
#define XN_NEGATIVE(x) -(x)
#define XN_ABSOLUTE(x) xn_absf(x)
#else
// The least value stays.
#define XN_NEGATIVE(x) (0 - (uint64_t)(x))
#define XN_ABSOLUTE(x) ((x) < 0 ? XN_NEGATIVE(x) : (uint64_t)(x))
#endif

// in, out: T [count]; y: the result for x.
#define XN_SIGN(name, y)                                                                           \
    XN_KERNEL void XN_NAME(xn_##name)(const XN_T *in, XN_T *out,                                   \
                                      const XN_NAME(xn_sign_params) * p) {                         \
        for (int32_t i = 0; i < p->count; i++) {                                                   \
            XN_T x = in[i];                                                                        \
            out[i] = (XN_T)(y);                                                                    \
        }                                                                                          \
    }

XN_SIGN(neg, XN_NEGATIVE(x))
XN_SIGN(abs, XN_ABSOLUTE(x))

#if !XN_IS_FLOAT
// Truth is 0 or 1.
XN_SIGN(not, x ^ 1)

// Of another scale.
XN_SIGN(scaled_abs, xn_clamp(xn_multiply_by_quantized_multiplier((int32_t)XN_ABSOLUTE(x),
                                                                 p->multiplier, p->shift),
                             INT16_MIN, INT16_MAX))
#endif

#undef XN_NEGATIVE
#undef XN_ABSOLUTE
#undef XN_SIGN
