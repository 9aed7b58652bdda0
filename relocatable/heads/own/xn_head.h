// What a head of the user's own gets and writes (docs/HEADS.md). Its C file includes this one.
#ifndef XN_HEAD_H
#define XN_HEAD_H

#include "ops/_shared/xn_math.h"
#include "heads/value.h"

// XN_HEAD_FIELDS, XN_HEAD_PARAMETERS and XN_HEAD_MOST come from the TOML file, XN_HEAD_OUTPUTS from
// the model.

enum xn_head_type { // an output's element type; the first three are those of xn_value_type
    XN_HEAD_I8,
    XN_HEAD_U8,
    XN_HEAD_F32,
    XN_HEAD_I16,
    XN_HEAD_I32,
    XN_HEAD_I64,
    XN_HEAD_BOOL,
};

typedef struct xn_head_output {
    xn_values values; // data, type, scale, zero_point: real = scale * (stored - zero_point)
    int32_t count;    // of values
    int32_t dims;
    int32_t shape[8];
} xn_head_output;

typedef struct xn_head_parameters {
    XN_HEAD_PARAMETERS
} xn_head_parameters;

typedef struct xn_head_item {
    XN_HEAD_FIELDS
} xn_head_item;

// What the function gets; all of it is read only but the scratch.
typedef struct xn_head {
    int32_t outputs;
    xn_head_output output[XN_HEAD_OUTPUTS]; // in the model's order
    const xn_head_parameters *parameters;
    void *scratch; // scratch_bytes, 16-aligned, of any contents
    int32_t scratch_bytes;
} xn_head;

// What it writes; all is zeros when it is called.
typedef struct xn_head_result {
    uint32_t count; // at most XN_HEAD_MOST
    uint32_t reserved[3];
    xn_head_item item[XN_HEAD_MOST];
} xn_head_result;

// A value as a real number, whatever its type; 0 outside of the output.
static __attribute__((noinline, unused)) float xn_head_value(const xn_head_output *o, int32_t at) {
    if (at < 0 || at >= o->count) {
        return 0.0f;
    }
    switch (o->values.type) {
    case XN_HEAD_I16:
        return o->values.scale *
               (float)(((const int16_t *)o->values.data)[at] - o->values.zero_point);
    case XN_HEAD_I32:
        return o->values.scale * (float)((const int32_t *)o->values.data)[at];
    case XN_HEAD_I64:
        return o->values.scale * (float)((const int64_t *)o->values.data)[at];
    case XN_HEAD_BOOL:
        return (float)((const uint8_t *)o->values.data)[at];
    default:
        return xn_value_at(&o->values, at);
    }
}

#endif
