// DIV of bytes for the DSP extension, four at a time, with broadcast. Either input may be
// overwritten by the output.
#include "ops/_shared/xn_four.h"
#include "ops/div/xn_quotient.h"

typedef xn_quotient XN_NAME(xn_quotient_dsp_params);

XN_INLINE uint32_t XN_NAME(div_dsp_round)(int32_t quotient, const xn_quotient *p) {
    return XN_FOUR_CLAMP(quotient, XN_QUOTIENT_BITS, p->low, p->high);
}

XN_INLINE uint32_t XN_NAME(div_dsp_four)(uint32_t x, uint32_t y, const int32_t *slopes,
                                         const xn_quotient *p) {
    int32_t half = XN_QUOTIENT_HALF(p->out_zero);
    int32_t even = (int32_t)XN_FOUR_LIFTED(x << 8, p->a_zero);
    int32_t odd = (int32_t)XN_FOUR_LIFTED(x, p->a_zero);
    int32_t q0 = __smlawb(slopes[xn_four_index(y, 0)], even, half);
    int32_t q2 = __smlawt(slopes[xn_four_index(y, 2)], even, half);
    int32_t q1 = __smlawb(slopes[xn_four_index(y, 1)], odd, half);
    int32_t q3 = __smlawt(slopes[xn_four_index(y, 3)], odd, half);
    uint32_t z = XN_NAME(div_dsp_round)(q0, p);
    XN_FOUR_PUT(z, 1, XN_NAME(div_dsp_round)(q1, p));
    XN_FOUR_PUT(z, 2, XN_NAME(div_dsp_round)(q2, p));
    XN_FOUR_PUT(z, 3, XN_NAME(div_dsp_round)(q3, p));
    return z;
}

XN_KERNEL void XN_NAME(xn_quotient_dsp)(const XN_T *in_a, const XN_T *in_b, const int32_t *slopes,
                                        XN_T *out, const xn_quotient *p) {
    XN_FOUR_EACH(&p->shape, in_a, in_b, out, XN_NAME(div_dsp_four), slopes, p)
}
