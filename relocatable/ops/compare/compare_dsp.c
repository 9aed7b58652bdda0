// Comparisons of bytes with limits for the DSP extension, four at a time, with broadcast.
#include "ops/_shared/xn_four.h"
#include "ops/compare/xn_relation.h"

typedef struct {
    xn_broadcast shape;
    int32_t relation; // enum xn_relation
} XN_NAME(xn_compare_limits_dsp_params);

#define XN_ONES 0x00010001u

// 1 in each half in which a is below b, else 0.
XN_INLINE uint32_t XN_NAME(compare_dsp_below)(uint32_t a, uint32_t b) {
    uint32_t is_below;
    __asm__("ssub16 %0, %1, %2\n\tsel %0, %3, %4"
            : "=&r"(is_below)
            : "r"(a), "r"(b), "r"(0), "r"(XN_ONES)
            : "cc");
    return is_below;
}

// Bytes 0 and 2 of x and y, as OTHER counts as SAME.
XN_INLINE uint32_t XN_NAME(compare_dsp_two)(uint32_t x, uint32_t y, const int16_t *limits,
                                            int32_t relation) {
    uint32_t low = (uint16_t)limits[xn_four_index(y, 0)];
    uint32_t limit = low | (uint32_t)limits[xn_four_index(y, 2)] << 16;
    if (relation >= XN_SAME) {
        return __uqsub16(XN_ONES, __uxtb16(x) ^ limit);
    }
    x = XN_FOUR_PAIR(x, 0);
    return relation == XN_BELOW ? XN_NAME(compare_dsp_below)(x, limit)
                                : XN_NAME(compare_dsp_below)(limit, x);
}

XN_INLINE uint32_t XN_NAME(compare_dsp_four)(uint32_t x, uint32_t y, const int16_t *limits,
                                             int32_t relation) {
    uint32_t even = XN_NAME(compare_dsp_two)(x, y, limits, relation);
    uint32_t odd = XN_NAME(compare_dsp_two)(__ror(x, 8), __ror(y, 8), limits, relation);
    return (even | odd << 8) ^ (relation == XN_OTHER ? 0x01010101u : 0u);
}

// limits: as in xn_compare_limits.
XN_KERNEL void XN_NAME(xn_compare_limits_dsp)(const XN_T *in_a, const XN_T *in_b,
                                              const int16_t *limits, uint8_t *out,
                                              const XN_NAME(xn_compare_limits_dsp_params) * p) {
    XN_FOUR_EACH(&p->shape, in_a, in_b, out, XN_NAME(compare_dsp_four), limits, p->relation)
}

#undef XN_ONES
