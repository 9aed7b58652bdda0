// What all kernels share: how they are instantiated, clamping, windows.
#ifndef XN_KERNEL_H
#define XN_KERNEL_H

#include <stdint.h>

// For speed each step gets its own copy of a kernel, specialised by its constants; for size the
// steps share one and pass the constants.
#ifdef XN_OPTIMIZE_SIZE
#define XN_KERNEL static __attribute__((noinline, unused))
#else
#define XN_KERNEL static inline __attribute__((always_inline, unused))
#endif

// A kernel file that names XN_T is a template: a program includes it once for each element type
// that its steps need, with XN_T (int8_t), XN_SUFFIX (i8), XN_IS_FLOAT, XN_IS_UNSIGNED and
// XN_IS_16_BITS defined. All that it declares is named by XN_NAME.
#define XN_JOIN(name, suffix) name##_##suffix
#define XN_JOIN_EXPANDED(name, suffix) XN_JOIN(name, suffix)
#define XN_NAME(name) XN_JOIN_EXPANDED(name, XN_SUFFIX)

// The output channels [XN_FIRST, XN_LAST) that a call of a layer's kernel makes: all; or, in a
// program with packed filters, whose templates have XN_IS_PART 1, those that the last arguments but
// one say. `filter` begins with that of the first one; all else is as if all were made.
#define XN_PART XN_JOIN_EXPANDED(XN_PART, XN_IS_PART)
#define XN_PART_0
#define XN_PART_1 , int32_t part_first, int32_t part_last
#define XN_PASS_PART XN_JOIN_EXPANDED(XN_PASS_PART, XN_IS_PART)
#define XN_PASS_PART_0
#define XN_PASS_PART_1 , part_first, part_last
#define XN_FIRST XN_JOIN_EXPANDED(XN_FIRST, XN_IS_PART)
#define XN_FIRST_0 0
#define XN_FIRST_1 part_first
#define XN_LAST(p) XN_JOIN_EXPANDED(XN_LAST, XN_IS_PART)(p)
#define XN_LAST_0(p) ((p)->out_c)
#define XN_LAST_1(p) part_last

// A part that takes nearly all registers: in a loop that also calls what unpacks, too few are left.
#define XN_INLINE_IF_WHOLE XN_JOIN_EXPANDED(XN_INLINE_IF_WHOLE, XN_IS_PART)
#define XN_INLINE_IF_WHOLE_0 XN_INLINE
#define XN_INLINE_IF_WHOLE_1 static __attribute__((noinline))

// The type of arithmetic on XN_T: int or float.
#define XN_WIDE __typeof__((XN_T)0 + 0)

// The range of XN_T, if it is an integer type.
#define XN_T_MIN _Generic((XN_T)0, int8_t: INT8_MIN, int16_t: INT16_MIN, default: 0)
#define XN_T_MAX                                                                                   \
    _Generic((XN_T)0,                                                                              \
        int8_t: INT8_MAX,                                                                          \
        uint8_t: UINT8_MAX,                                                                        \
        int16_t: INT16_MAX,                                                                        \
        uint16_t: UINT16_MAX)

// A part of a kernel that is instantiated for each set of constants.
#define XN_INLINE static inline __attribute__((always_inline))

// A target's header may define it.
#ifndef XN_HIDE
#define XN_HIDE(pointer)
#endif

static inline int32_t xn_min(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static inline int32_t xn_max(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static inline int32_t xn_clamp(int32_t x, int32_t low, int32_t high) {
    return x < low ? low : x > high ? high : x;
}

// NaN stays NaN.
static inline float xn_clampf(float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
}

#define XN_CLAMP(x, low, high) _Generic(x, float: xn_clampf, default: xn_clamp)(x, low, high)

// A window that moves over an image of [in_h, in_w] positions.
typedef struct xn_window {
    int32_t in_h, in_w;
    int32_t out_h, out_w;
    int32_t k_h, k_w;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t pad_top, pad_left;
} xn_window;

// Taps [first, last) of a window along one axis that are inside the image.
typedef struct xn_taps {
    int32_t origin, first, last;
} xn_taps;

static inline xn_taps xn_taps_inside(int32_t origin, int32_t k, int32_t dilation, int32_t size) {
    int32_t before = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
    int32_t inside = origin < size ? (size - origin + dilation - 1) / dilation : 0;
    xn_taps taps = {origin, xn_min(before, k), xn_min(inside, k)};
    return taps;
}

static inline xn_taps xn_rows(const xn_window *w, int32_t out_y) {
    return xn_taps_inside(out_y * w->stride_h - w->pad_top, w->k_h, w->dilation_h, w->in_h);
}

static inline xn_taps xn_columns(const xn_window *w, int32_t out_x) {
    return xn_taps_inside(out_x * w->stride_w - w->pad_left, w->k_w, w->dilation_w, w->in_w);
}

#endif
