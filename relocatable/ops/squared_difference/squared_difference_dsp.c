// SQUARED_DIFFERENCE of int8 for the DSP extension, four at a time, with broadcast. Either input
// may be overwritten.
#include "ops/_shared/xn_four.h"
#include "ops/squared_difference/xn_difference.h"

typedef xn_difference XN_NAME(xn_difference_dsp_params);

// Of a difference's square: xn_multiply_by_quantized_multiplier and the zero point; the shift is at
// least 1.
XN_INLINE uint32_t XN_NAME(difference_dsp_one)(int32_t difference, const xn_difference *p) {
    int32_t twice = __smulbb(difference, difference) * 2;
    int32_t zero = (1 + 2 * p->zero) * (1 << (p->right - 1)), y;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(y) : "r"(twice), "r"(p->multiplier), "r"(zero));
    return XN_FOUR_CLAMP(y, p->right, XN_T_MIN, XN_T_MAX);
}

XN_INLINE uint32_t XN_NAME(difference_dsp_four)(uint32_t x, uint32_t y, const int16_t *steps,
                                                const xn_difference *p) {
    uint32_t fine = p->is_second ? y : x;
    uint32_t coarse = p->is_second ? x : y;
    int32_t even = (int32_t)XN_FOUR_PAIR(coarse, 0);
    int32_t odd = (int32_t)XN_FOUR_PAIR(__ror(coarse, 8), 0);
    int32_t d0 = __smlabb(even, -64, steps[xn_four_index(fine, 0)]);
    int32_t d1 = __smlabb(odd, -64, steps[xn_four_index(fine, 1)]);
    int32_t d2 = __smlatb(even, -64, steps[xn_four_index(fine, 2)]);
    int32_t d3 = __smlatb(odd, -64, steps[xn_four_index(fine, 3)]);
    uint32_t z = XN_NAME(difference_dsp_one)(d0, p);
    XN_FOUR_PUT(z, 1, XN_NAME(difference_dsp_one)(d1, p));
    XN_FOUR_PUT(z, 2, XN_NAME(difference_dsp_one)(d2, p));
    XN_FOUR_PUT(z, 3, XN_NAME(difference_dsp_one)(d3, p));
    return z;
}

XN_KERNEL void XN_NAME(xn_difference_dsp)(const XN_T *in_a, const XN_T *in_b, const int16_t *steps,
                                          XN_T *out, const xn_difference *p) {
    XN_FOUR_EACH(&p->shape, in_a, in_b, out, XN_NAME(difference_dsp_four), steps, p)
}
