// PRELU of bytes for the DSP extension, four at a time, by a line for each slope, and a table of
// values from zero on. Slopes are repeated. The input may be overwritten.
#include <arm_acle.h>
#include <stdint.h>

#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t count;  // of repetitions
    int32_t slopes; // a multiple of 4
} XN_NAME(xn_prelu_lines_params);

// Results of two values in halves, from 0 to 255, by their entries and the next two lines.
XN_INLINE uint32_t XN_NAME(prelu_lines_two)(int32_t first, int32_t second, const int32_t **lines) {
    // One instruction loads registers in this order only.
    register int32_t m0 __asm__("r2"), start0 __asm__("r3");
    register int32_t m1 __asm__("r4"), start1 __asm__("r5");
    __asm__("ldmia %0!, {r2, r3, r4, r5}"
            : "+r"(*lines), "=r"(m0), "=r"(start0), "=r"(m1), "=r"(start1)
            :
            : "memory");
    int32_t low = __smlawb(m0, first, start0), high = __smlawb(m1, second, start1);
    uint32_t below = (uint32_t)low >> 16 | ((uint32_t)high & 0xFFFF0000u);
    uint32_t above = (uint32_t)first >> 16 | ((uint32_t)second & 0xFFFF0000u);
    return (uint32_t)__usat16(__sadd16((int32_t)below, (int32_t)above), 8);
}

XN_INLINE uint32_t XN_NAME(prelu_lines_four)(const XN_T *in, const int32_t *entries,
                                             const int32_t **lines) {
    const uint8_t *x = (const uint8_t *)in; // byte by byte: a word would have to be taken apart
    uint32_t z = XN_NAME(prelu_lines_two)(entries[x[0]], entries[x[2]], lines);
    z |= XN_NAME(prelu_lines_two)(entries[x[1]], entries[x[3]], lines) << 8;
    return z ^ (XN_T_MIN < 0 ? 0x80808080u : 0u);
}

// entries: by the input's bits as unsigned. The upper half is by how much the result of a value
// from zero on is above that of zero, else 0; the lower half is 128 times a value below zero,
// else 0.
// lines: multiplier and start of values 0, 2, 1 and 3 of each four.
XN_KERNEL void XN_NAME(xn_prelu_lines)(const XN_T *in, const int32_t *entries, const int32_t *lines,
                                       XN_T *out, const XN_NAME(xn_prelu_lines_params) * p) {
#pragma clang loop unroll(disable)
    for (int32_t i = 0; i < p->count; i++) {
        const int32_t *at = lines;
        int32_t rest = p->slopes;
#ifndef XN_OPTIMIZE_SIZE
#pragma clang loop unroll(disable)
        for (; rest >= 8; rest -= 8, in += 8) {
            XN_HIDE(in);
            uint32_t z = XN_NAME(prelu_lines_four)(in, entries, &at);
            XN_PUT_ONE(out, z);
            z = XN_NAME(prelu_lines_four)(in + 4, entries, &at);
            XN_PUT_ONE(out, z);
        }
#endif
        for (; rest > 0; rest -= 4, in += 4) {
            uint32_t z = XN_NAME(prelu_lines_four)(in, entries, &at);
            XN_PUT_ONE(out, z);
        }
    }
}
