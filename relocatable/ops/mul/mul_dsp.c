// MUL of bytes for the DSP extension, four at a time, with broadcast. Either input may be
// overwritten by the output.
#include "ops/_shared/xn_four.h"

typedef struct {
    xn_broadcast shape;
    int32_t a_zero, b_zero, out_zero;
    int32_t multiplier, right; // right: of the shift, 1 to 20
    int32_t low, high;         // clamp of the output
} XN_NAME(xn_mul_dsp_params);

// Of twice a product: xn_multiply_by_quantized_multiplier, with half and zero point added before
// the shift.
static inline uint32_t XN_NAME(mul_dsp_scale)(int32_t twice, const XN_NAME(xn_mul_dsp_params) * p) {
    int32_t zero = (1 + 2 * p->out_zero) * (1 << (p->right - 1)), y;
    __asm__ volatile("smmlar %0, %1, %2, %3" : "=r"(y) : "r"(twice), "r"(p->multiplier), "r"(zero));
    return XN_FOUR_CLAMP(y + (twice >> 31), p->right, p->low, p->high);
}

// Four products; `less_x`, `less_y`: what pairs of zero points are less than.
XN_INLINE uint32_t XN_NAME(mul_dsp_four)(uint32_t x, uint32_t y, uint32_t less_x, uint32_t less_y,
                                         const XN_NAME(xn_mul_dsp_params) * p) {
    int32_t x_even = (int32_t)XN_FOUR_ADD_PAIR(less_x, x);
    int32_t y_even = (int32_t)XN_FOUR_ADD_PAIR(less_y, y);
    y_even = __sadd16(y_even, y_even);
    int32_t x_odd = (int32_t)XN_FOUR_ADD_PAIR(less_x, __ror(x, 8));
    int32_t y_odd = (int32_t)XN_FOUR_ADD_PAIR(less_y, __ror(y, 8));
    y_odd = __sadd16(y_odd, y_odd);
    // In this order, which needs the fewest registers.
    int32_t first = __smulbb(x_even, y_even), second = __smultt(x_even, y_even);
    uint32_t z = XN_NAME(mul_dsp_scale)(first, p);
    XN_FOUR_PUT(z, 2, XN_NAME(mul_dsp_scale)(second, p));
    first = __smulbb(x_odd, y_odd), second = __smultt(x_odd, y_odd);
    XN_FOUR_PUT(z, 1, XN_NAME(mul_dsp_scale)(first, p));
    XN_FOUR_PUT(z, 3, XN_NAME(mul_dsp_scale)(second, p));
    return z;
}

XN_KERNEL void XN_NAME(xn_mul_dsp)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                                   const XN_NAME(xn_mul_dsp_params) * p) {
    uint32_t less_a = XN_FOUR_LESS(p->a_zero), less_b = XN_FOUR_LESS(p->b_zero);
    // Else the compiler may make them in the loop, each time.
    XN_HIDE(less_a);
    XN_HIDE(less_b);
    XN_FOUR_EACH_PAIR(&p->shape, in_a, in_b, out, XN_NAME(mul_dsp_four), less_a, less_b, p)
}
