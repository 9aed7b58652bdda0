// An output's values as real numbers, whatever type they are stored in.
#ifndef XN_HEAD_VALUE_H
#define XN_HEAD_VALUE_H

#include <stdint.h>

enum xn_value_type { XN_VALUE_I8, XN_VALUE_U8, XN_VALUE_F32 };

typedef struct xn_values {
    const void *data;
    int32_t type;       // enum xn_value_type
    float scale;        // real = scale * (stored - zero_point); a float is real already
    int32_t zero_point; //
} xn_values;

// Never inlined: heads run on few values, and their code should be small.
static __attribute__((noinline, unused)) float xn_value_at(const xn_values *v, int32_t at) {
    switch (v->type) {
    case XN_VALUE_I8:
        return v->scale * (float)(((const int8_t *)v->data)[at] - v->zero_point);
    case XN_VALUE_U8:
        return v->scale * (float)(((const uint8_t *)v->data)[at] - v->zero_point);
    default:
        return ((const float *)v->data)[at];
    }
}

// Into [0, 1]; NaN becomes 0.
static inline float xn_value_unit(float x) {
    return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f;
}

#endif
