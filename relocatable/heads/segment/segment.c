// Head `segment`: the class of each pixel, as runs of equal ones by rows.
#include "ops/_shared/xn_kernel.h"
#include "heads/value.h"

// The type of an output whose values are classes; 0 if they are scores.
enum { XN_SEGMENT_U8 = 1, XN_SEGMENT_I32, XN_SEGMENT_I64 };

typedef struct xn_segment {
    int32_t rows, columns, channels;
    int32_t classes;
    float threshold; // of one channel: lowest score of class 1
    int32_t ignore;  // class whose runs are left out; -2: none
    int32_t most;
} xn_segment;

typedef struct xn_segment_item {
    int16_t label, row, start, length;
} xn_segment_item;

typedef struct xn_segment_items {
    uint32_t count, reserved[3];
    xn_segment_item item[];
} xn_segment_items;

// The first of the largest values.
static __attribute__((noinline)) int32_t segment_best_i8(const int8_t *x, int32_t count) {
    int32_t best = 0;
    for (int32_t i = 1; i < count; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

static __attribute__((noinline)) int32_t segment_best_u8(const uint8_t *x, int32_t count) {
    int32_t best = 0;
    for (int32_t i = 1; i < count; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

// A NaN is no value; 0 if all are.
static __attribute__((noinline)) int32_t segment_best_f32(const float *x, int32_t count) {
    int32_t best = 0;
    for (int32_t i = 1; i < count; i++) {
        best = x[i] > x[best] || (x[best] != x[best] && x[i] == x[i]) ? i : best;
    }
    return best;
}

static inline int32_t segment_score(const xn_values *values, const xn_segment *p, int32_t pixel) {
    int32_t first = pixel * p->channels;
    if (p->channels == 1) {
        return xn_value_at(values, pixel) >= p->threshold;
    }
    switch (values->type) {
    case XN_VALUE_I8:
        return segment_best_i8((const int8_t *)values->data + first, p->channels);
    case XN_VALUE_U8:
        return segment_best_u8((const uint8_t *)values->data + first, p->channels);
    default:
        return segment_best_f32((const float *)values->data + first, p->channels);
    }
}

// -1 for what can be no class.
static __attribute__((noinline)) int32_t segment_class(const xn_values *values, const xn_segment *p,
                                                       int32_t pixel) {
    int64_t label = 0;
    switch (p->classes) {
    case XN_SEGMENT_U8:
        label = ((const uint8_t *)values->data)[pixel];
        break;
    case XN_SEGMENT_I32:
        label = ((const int32_t *)values->data)[pixel];
        break;
    case XN_SEGMENT_I64:
        label = ((const int64_t *)values->data)[pixel];
        break;
    default:
        return segment_score(values, p, pixel);
    }
    return label >= 0 && label <= INT16_MAX ? (int32_t)label : -1;
}

// found: room for most. What no longer fits is said by a last item of no length at its first pixel.
XN_KERNEL void xn_segment_runs(const xn_values *values, const xn_segment *p,
                               xn_segment_items *found) {
    *found = (xn_segment_items){0};
    for (int32_t y = 0; y < p->rows; y++) {
        int32_t first = y * p->columns, start = 0;
        int32_t label = segment_class(values, p, first);
        for (int32_t x = 1; x <= p->columns; x++) {
            int32_t next = x < p->columns ? segment_class(values, p, first + x) : INT32_MIN;
            if (next == label) {
                continue;
            }
            if (label != p->ignore) {
                if (found->count == (uint32_t)p->most) {
                    found->item[p->most - 1].length = 0;
                    return;
                }
                found->item[found->count++] = (xn_segment_item){
                    (int16_t)label,
                    (int16_t)y,
                    (int16_t)start,
                    (int16_t)(x - start),
                };
            }
            label = next;
            start = x;
        }
    }
    for (uint32_t i = found->count; i < (uint32_t)p->most; i++) {
        found->item[i] = (xn_segment_item){0};
    }
}
