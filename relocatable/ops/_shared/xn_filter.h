// The filter of a layer's template: its type by that of the inputs, and its zero point, which only
// one of uint8 has: constants name it by XN_FILTER_ZERO_FIELD, XN_FILTER_ZERO reads it; of other
// types it is 0.
#ifndef XN_FILTER_H
#define XN_FILTER_H

#include "ops/_shared/xn_kernel.h"

#define XN_FILTER_T __typeof__(_Generic((XN_T)0, uint8_t: (uint8_t)0, default: (int8_t)0))

#define XN_FILTER_ZERO_FIELD XN_JOIN_EXPANDED(XN_FILTER_ZERO_FIELD, XN_IS_UNSIGNED)
#define XN_FILTER_ZERO_FIELD_0
#define XN_FILTER_ZERO_FIELD_1 int32_t filter_zero;

#define XN_FILTER_ZERO(p) XN_JOIN_EXPANDED(XN_FILTER_ZERO, XN_IS_UNSIGNED)(p)
#define XN_FILTER_ZERO_0(p) 0
#define XN_FILTER_ZERO_1(p) ((p)->filter_zero)

#endif
