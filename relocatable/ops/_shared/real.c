// Real functions of one float. The input may be overwritten. (Those of one 8-bit value are tables.)
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"

typedef struct xn_real_params {
    int32_t count;
} xn_real_params;

// in, out: float [count]; y: the result for x.
#define XN_REAL(name, y)                                                                           \
    XN_KERNEL void xn_real_##name(const float *in, float *out, const xn_real_params *p) {          \
        for (int32_t i = 0; i < p->count; i++) {                                                   \
            float x = in[i];                                                                       \
            out[i] = (y);                                                                          \
        }                                                                                          \
    }

XN_REAL(sqrt, xn_sqrtf(x))
XN_REAL(rsqrt, 1.0f / xn_sqrtf(x))
XN_REAL(exp, xn_expf(x))
XN_REAL(log, xn_logf(x))
XN_REAL(sin, xn_sinf(x))
XN_REAL(cos, xn_cosf(x))
XN_REAL(square, x *x)
XN_REAL(floor, xn_floorf(x))
XN_REAL(ceil, xn_ceilf(x))
XN_REAL(round, xn_roundf(x))
XN_REAL(elu, x < 0.0f ? xn_expm1f(x) : x)
XN_REAL(gelu, 0.5f * x * (1.0f + xn_erff(x * 0.70710678f)))
XN_REAL(gelu_tanh, 0.5f * x * (1.0f + xn_tanhf(0.79788456f * (x + 0.044715f * x * x * x))))
