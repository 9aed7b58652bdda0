// SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY, REDUCE_ALL: two loops over what is kept
// around two over what is reduced.
#include "ops/_shared/xn_kernel.h"
#include "ops/reduce/xn_reduce.h"

typedef struct {
    int32_t function; // enum xn_reduce
    // Count, and the distance of the elements in the input; in the order of its dimensions.
    struct {
        int32_t count, stride;
    } keep[2], reduce[2];
} XN_NAME(xn_reduce_params);

// Integers wrap around.
XN_INLINE XN_T XN_NAME(reduce_two)(XN_T a, XN_T b, int32_t function) {
    switch (function) {
    case XN_REDUCE_MAX:
        return b > a ? b : a;
    case XN_REDUCE_MIN:
        return b < a ? b : a;
#if XN_IS_FLOAT
    case XN_REDUCE_PROD:
        return a * b;
    default:
        return a + b;
#else
    case XN_REDUCE_PROD:
        return (XN_T)((uint64_t)a * (uint64_t)b);
    default:
        return (XN_T)((uint64_t)a + (uint64_t)b);
#endif
    }
}

// in: T; out: T [keep[0].count, keep[1].count].
XN_KERNEL void XN_NAME(xn_reduce)(const XN_T *in, XN_T *out, const XN_NAME(xn_reduce_params) * p) {
    for (int32_t a = 0; a < p->keep[0].count; a++) {
        for (int32_t b = 0; b < p->keep[1].count; b++) {
            const XN_T *x = in + a * p->keep[0].stride + b * p->keep[1].stride;
            XN_T value = p->function == XN_REDUCE_SUM    ? (XN_T)0
                         : p->function == XN_REDUCE_PROD ? (XN_T)1
                                                         : *x;
            for (int32_t c = 0; c < p->reduce[0].count; c++) {
                for (int32_t d = 0; d < p->reduce[1].count; d++) {
                    value = XN_NAME(reduce_two)(
                        value, x[c * p->reduce[0].stride + d * p->reduce[1].stride], p->function);
                }
            }
            *out++ = value;
        }
    }
}
