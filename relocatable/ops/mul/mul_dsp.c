// MUL of bytes for the DSP extension, four at a time, with broadcast. Either input may be
// overwritten by the output.
#include "ops/_shared/xn_broadcast.h"
#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_kernel.h"

typedef struct {
    xn_broadcast shape;
    int32_t a_zero, b_zero, out_zero;
    int32_t multiplier, right; // right: of the shift, 1 to 20
    int32_t low, high;         // clamp of the output
} XN_NAME(xn_mul_dsp_params);

// Four bytes from `from` on, or the first one four times.
static inline uint32_t XN_NAME(mul_dsp_load)(const XN_T *from, int32_t step, int32_t count) {
    return step == 0 ? (uint32_t)(uint8_t)*from * 0x01010101u
                     : xn_load_some((const int8_t *)from, count);
}

// Bytes 0 and 2 as a pair of 16-bit values, each less the zero point.
static inline int32_t XN_NAME(mul_dsp_pair)(uint32_t word, int32_t zero) {
    uint32_t less = ((uint32_t)-zero & 0xFFFFu) * 0x00010001u;
    return XN_T_MIN < 0 ? __sxtab16((int32_t)less, (int32_t)word) : (int32_t)__uxtab16(less, word);
}

// Of twice a product: xn_multiply_by_quantized_multiplier, with half and zero point added before
// the shift.
static inline uint32_t XN_NAME(mul_dsp_scale)(int32_t twice, const XN_NAME(xn_mul_dsp_params) * p) {
    int32_t zero = (1 + 2 * p->out_zero) * (1 << (p->right - 1)), y;
    __asm__ volatile("smmlar %0, %1, %2, %3" : "=r"(y) : "r"(twice), "r"(p->multiplier), "r"(zero));
    y = (y + (twice >> 31)) >> p->right;
    if (p->low == XN_T_MIN && p->high == XN_T_MAX) {
        return XN_T_MIN < 0 ? (uint32_t)__ssat(y, 8) : (uint32_t)__usat(y, 8);
    }
    return (uint32_t)xn_clamp(y, p->low, p->high);
}

// Four products.
XN_INLINE uint32_t XN_NAME(mul_dsp_four)(uint32_t x, uint32_t y,
                                         const XN_NAME(xn_mul_dsp_params) * p) {
    int32_t x_even = XN_NAME(mul_dsp_pair)(x, p->a_zero);
    int32_t y_even = XN_NAME(mul_dsp_pair)(y, p->b_zero);
    int32_t x_odd = XN_NAME(mul_dsp_pair)(__ror(x, 8), p->a_zero);
    int32_t y_odd = XN_NAME(mul_dsp_pair)(__ror(y, 8), p->b_zero);
    y_even = __sadd16(y_even, y_even);
    y_odd = __sadd16(y_odd, y_odd);
    // In this order, which needs the fewest registers.
    uint32_t z0 = XN_NAME(mul_dsp_scale)(__smulbb(x_even, y_even), p);
    uint32_t z2 = XN_NAME(mul_dsp_scale)(__smultt(x_even, y_even), p);
    __asm__ volatile("bfi %0, %1, #16, #8" : "+r"(z0) : "r"(z2));
    uint32_t z1 = XN_NAME(mul_dsp_scale)(__smulbb(x_odd, y_odd), p);
    __asm__ volatile("bfi %0, %1, #8, #8" : "+r"(z0) : "r"(z1));
    uint32_t z3 = XN_NAME(mul_dsp_scale)(__smultt(x_odd, y_odd), p);
    __asm__ volatile("bfi %0, %1, #24, #8" : "+r"(z0) : "r"(z3));
    return z0;
}

// A run of values, each of its own operands.
XN_INLINE XN_T *XN_NAME(mul_dsp_run)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                                     const XN_NAME(xn_mul_dsp_params) * p) {
    int32_t rest = p->shape.size[3];
    for (; rest >= 8; rest -= 8) {
        for (int32_t k = 0; k < 2; k++) {
            uint32_t x, y;
            XN_NEXT_ONE(in_a, x);
            XN_NEXT_ONE(in_b, y);
            x = XN_NAME(mul_dsp_four)(x, y, p);
            XN_PUT_ONE(out, x);
        }
    }
    for (int32_t count = 0; rest > 0; rest -= count) {
        count = xn_min(rest, 4);
        uint32_t x = xn_load_some((const int8_t *)in_a, count);
        uint32_t y = xn_load_some((const int8_t *)in_b, count);
        xn_store_some((int8_t *)out, XN_NAME(mul_dsp_four)(x, y, p), count);
        in_a += count;
        in_b += count;
        out += count;
    }
    return out;
}

XN_KERNEL void XN_NAME(xn_mul_dsp)(const XN_T *in_a, const XN_T *in_b, XN_T *out,
                                   const XN_NAME(xn_mul_dsp_params) * p) {
    int32_t each = p->shape.a_stride[3] == 1 && p->shape.b_stride[3] == 1;
    XN_BROADCAST_BLOCKS(&p->shape, each ? p->shape.size[3] : 4, {
        if (each) {
            out = XN_NAME(mul_dsp_run)(in_a + a, in_b + b, out, p);
        } else {
            uint32_t x = XN_NAME(mul_dsp_load)(in_a + a, p->shape.a_stride[3], count);
            uint32_t y = XN_NAME(mul_dsp_load)(in_b + b, p->shape.b_stride[3], count);
            xn_store_some((int8_t *)out, XN_NAME(mul_dsp_four)(x, y, p), count);
            out += count;
        }
    })
}
