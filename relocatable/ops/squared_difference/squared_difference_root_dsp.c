// SQUARED_DIFFERENCE of int8 for the DSP extension, four at a time, with broadcast, by a line whose
// square's upper word has the results. Either input may be overwritten.
#include "ops/_shared/xn_four.h"

typedef struct {
    xn_broadcast shape;
    int32_t is_second; // whether the second operand is that of the smaller scale
    int32_t slope;     // of the other one, whose values count 2^8
    int32_t start;     // of results, which count 2^16 from the type's least value on
} XN_NAME(xn_difference_root_dsp_params);

// The upper word of a square.
XN_INLINE int32_t XN_NAME(root_dsp_one)(int32_t root, int32_t start) {
    int32_t y;
    __asm__("smmla %0, %1, %1, %2" : "=r"(y) : "r"(root), "r"(start));
    return y;
}

// Two results in halves, from 0 to 255: by two entries, and values in the halves' upper bytes.
XN_INLINE uint32_t XN_NAME(root_dsp_two)(int32_t first, int32_t second, uint32_t values,
                                         const XN_NAME(xn_difference_root_dsp_params) * p) {
    int32_t low = XN_NAME(root_dsp_one)(__smlawb(p->slope, (int32_t)values, first), p->start);
    int32_t high = XN_NAME(root_dsp_one)(__smlawt(p->slope, (int32_t)values, second), p->start);
    uint32_t pair = ((uint32_t)high & 0xFFFF0000u) | (uint32_t)low >> 16;
    return (uint32_t)__usat16((int32_t)pair, 8);
}

XN_INLINE uint32_t XN_NAME(root_dsp_four)(uint32_t x, uint32_t y, const int32_t *table,
                                          uint32_t upper,
                                          const XN_NAME(xn_difference_root_dsp_params) * p) {
    uint32_t fine = p->is_second ? y : x;
    uint32_t coarse = p->is_second ? x : y;
    uint32_t even;
    __asm__("and %0, %1, %2, lsl #8" : "=r"(even) : "r"(upper), "r"(coarse));
    uint32_t z = XN_NAME(root_dsp_two)(table[xn_four_index(fine, 0)], table[xn_four_index(fine, 2)],
                                       even, p);
    z |= XN_NAME(root_dsp_two)(table[xn_four_index(fine, 1)], table[xn_four_index(fine, 3)],
                               coarse & 0xFF00FF00u, p)
         << 8;
    return z ^ 0x80808080u;
}

// table: by the bits of the operand of the smaller scale as unsigned.
XN_KERNEL void XN_NAME(xn_difference_root_dsp)(const XN_T *in_a, const XN_T *in_b,
                                               const int32_t *table, XN_T *out,
                                               const XN_NAME(xn_difference_root_dsp_params) * p) {
    uint32_t upper = 0xFF00FF00u; // bytes 1 and 3
    XN_HIDE(upper);
    XN_FOUR_EACH(&p->shape, in_a, in_b, out, XN_NAME(root_dsp_four), table, upper, p)
}
