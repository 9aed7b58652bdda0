// PRELU of bytes for the DSP extension, four at a time, with broadcast of the slopes. The input may
// be overwritten.
#include "ops/_shared/xn_four.h"

typedef struct {
    xn_broadcast shape;
    int32_t slope_zero;
    int32_t multiplier, right; // of products with a slope; right: of the shift, 1 to 16
} XN_NAME(xn_prelu_dsp_params);

// Of twice a product: xn_multiply_by_quantized_multiplier before the shift, half added.
XN_INLINE int32_t XN_NAME(prelu_dsp_scale)(int32_t twice, const XN_NAME(xn_prelu_dsp_params) * p) {
    int32_t half = 1 << (p->right - 1), y;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(y) : "r"(twice), "r"(p->multiplier), "r"(half));
    return y + (twice >> 31);
}

// Results of two values in halves, from 0 to 255, by their entries and slopes.
XN_INLINE uint32_t XN_NAME(prelu_dsp_two)(int32_t first, int32_t second, int32_t slopes,
                                          const XN_NAME(xn_prelu_dsp_params) * p) {
    int32_t low = XN_NAME(prelu_dsp_scale)(__smulbb(first, slopes), p) >> p->right;
    int32_t high = XN_NAME(prelu_dsp_scale)(__smulbt(second, slopes), p);
    // Both fit in 16 bits.
    uint32_t below = (uint16_t)low | ((uint32_t)high << (16 - p->right) & 0xFFFF0000u);
    uint32_t above = (uint32_t)first >> 16 | ((uint32_t)second & 0xFFFF0000u);
    return (uint32_t)__usat16(__sadd16((int32_t)above, (int32_t)below), 8);
}

XN_INLINE uint32_t XN_NAME(prelu_dsp_four)(uint32_t x, uint32_t slopes, const int32_t *entries,
                                           const XN_NAME(xn_prelu_dsp_params) * p) {
    int32_t even = (int32_t)XN_FOUR_PAIR(slopes, p->slope_zero);
    int32_t odd = (int32_t)XN_FOUR_PAIR(__ror(slopes, 8), p->slope_zero);
    uint32_t z =
        XN_NAME(prelu_dsp_two)(entries[xn_four_index(x, 0)], entries[xn_four_index(x, 2)], even, p);
    z |= XN_NAME(prelu_dsp_two)(entries[xn_four_index(x, 1)], entries[xn_four_index(x, 3)], odd, p)
         << 8;
    return z ^ (XN_T_MIN < 0 ? 0x80808080u : 0u);
}

// entries: by the input's bits as unsigned. The upper half is the result, less the type's least
// value, of a value from zero on, and that of zero for one below; the lower half is twice a value
// below zero, else 0.
XN_KERNEL void XN_NAME(xn_prelu_dsp)(const XN_T *in_a, const XN_T *in_b, const int32_t *entries,
                                     XN_T *out, const XN_NAME(xn_prelu_dsp_params) * p) {
    XN_FOUR_EACH(&p->shape, in_a, in_b, out, XN_NAME(prelu_dsp_four), entries, p)
}
