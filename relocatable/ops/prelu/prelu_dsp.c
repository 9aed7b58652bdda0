// PRELU of bytes for the DSP extension, four at a time, with broadcast of the slopes. The input may
// be overwritten.
#include "ops/_shared/xn_four.h"

typedef struct {
    xn_broadcast shape;
    int32_t slope_zero;
    int32_t multiplier, right; // of products with a slope; right: of the shift, 1 to 20
} XN_NAME(xn_prelu_dsp_params);

// Of an entry and twice a product of its lower half: the upper half and
// xn_multiply_by_quantized_multiplier, one of which is that of zero.
XN_INLINE uint32_t XN_NAME(prelu_dsp_one)(int32_t entry, int32_t twice,
                                          const XN_NAME(xn_prelu_dsp_params) * p) {
    int32_t half = 1 << (p->right - 1), y;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(y) : "r"(twice), "r"(p->multiplier), "r"(half));
    y = (y + (twice >> 31)) >> p->right;
    return XN_FOUR_CLAMP(y + (entry >> 16), 0, XN_T_MIN, XN_T_MAX);
}

XN_INLINE uint32_t XN_NAME(prelu_dsp_four)(uint32_t x, uint32_t slopes, const int32_t *entries,
                                           const XN_NAME(xn_prelu_dsp_params) * p) {
    int32_t even = (int32_t)XN_FOUR_PAIR(slopes, p->slope_zero);
    int32_t odd = (int32_t)XN_FOUR_PAIR(__ror(slopes, 8), p->slope_zero);
    int32_t entry = entries[xn_four_index(x, 0)];
    uint32_t z = XN_NAME(prelu_dsp_one)(entry, __smulbb(entry, even), p);
    entry = entries[xn_four_index(x, 2)];
    XN_FOUR_PUT(z, 2, XN_NAME(prelu_dsp_one)(entry, __smulbt(entry, even), p));
    entry = entries[xn_four_index(x, 1)];
    XN_FOUR_PUT(z, 1, XN_NAME(prelu_dsp_one)(entry, __smulbb(entry, odd), p));
    entry = entries[xn_four_index(x, 3)];
    XN_FOUR_PUT(z, 3, XN_NAME(prelu_dsp_one)(entry, __smulbt(entry, odd), p));
    return z;
}

// entries: by the input's bits as unsigned. The upper half is the result of a value from zero on,
// the zero point of one below; the lower half is twice a value below zero, else 0.
XN_KERNEL void XN_NAME(xn_prelu_dsp)(const XN_T *in_a, const XN_T *in_b, const int32_t *entries,
                                     XN_T *out, const XN_NAME(xn_prelu_dsp_params) * p) {
    XN_FOUR_EACH(&p->shape, in_a, in_b, out, XN_NAME(prelu_dsp_four), entries, p)
}
