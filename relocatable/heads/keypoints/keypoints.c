// Head `keypoints`: the parts of one thing, from heat maps or from the points themselves.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "heads/value.h"

// From a cell to a place in 0..1 of the model's input: first + step * cell + offset * pixels.
typedef struct xn_keypoints_axis {
    float first, step, offset;
} xn_keypoints_axis;

typedef struct xn_keypoints_maps {
    int32_t count, rows, columns; // the output is [rows, columns, count]
    int32_t sigmoid;              // 1: the values are logits
    int32_t has_offsets;          // an output [rows, columns, 2 * count]: all y, then all x
    xn_keypoints_axis x, y;
} xn_keypoints_maps;

typedef struct xn_keypoints_values {
    int32_t count, values;  // the output is [count, values]
    int32_t x, y, score;    // places among the values; score may be -1: all are certain
    int32_t sigmoid;        // 1: the scores are logits
    float scale_x, scale_y; // to 0..1 of the model's input
} xn_keypoints_values;

typedef struct xn_keypoint {
    int32_t label;
    float score;
    float point[2]; // x, y in 0..1 of the model's input
} xn_keypoint;

typedef struct xn_keypoints {
    uint32_t count, reserved[3];
    xn_keypoint item[];
} xn_keypoints;

static __attribute__((noinline)) float keypoints_score(float x, int32_t sigmoid) {
    return xn_value_unit(sigmoid ? xn_logisticf(x) : x);
}

// The highest cell of a map, the first of equal ones; -1 if no value is a number.
static inline int32_t keypoints_best(const xn_values *values, const xn_keypoints_maps *p,
                                     int32_t map) {
    int32_t best = -1;
    float most = 0.0f;
    for (int32_t cell = 0; cell < p->rows * p->columns; cell++) {
        float x = xn_value_at(values, cell * p->count + map);
        if (x == x && (best < 0 || x > most)) {
            most = x;
            best = cell;
        }
    }
    return best;
}

static inline float keypoints_place(const xn_keypoints_axis *axis, int32_t cell, float pixels) {
    return xn_value_unit(axis->first + axis->step * (float)cell + axis->offset * pixels);
}

// found: room for count; a map without a number gives a score of 0 at (0, 0).
XN_KERNEL void xn_keypoints_of_maps(const xn_values *values, const xn_values *offsets,
                                    const xn_keypoints_maps *p, xn_keypoints *found) {
    *found = (xn_keypoints){.count = (uint32_t)p->count};
    for (int32_t map = 0; map < p->count; map++) {
        int32_t cell = keypoints_best(values, p, map);
        if (cell < 0) {
            found->item[map] = (xn_keypoint){.label = map};
            continue;
        }
        float score = keypoints_score(xn_value_at(values, cell * p->count + map), p->sigmoid);
        int32_t at = cell * 2 * p->count + map;
        float down = p->has_offsets ? xn_value_at(offsets, at) : 0.0f;
        float right = p->has_offsets ? xn_value_at(offsets, at + p->count) : 0.0f;
        float x = keypoints_place(&p->x, cell % p->columns, right);
        float y = keypoints_place(&p->y, cell / p->columns, down);
        found->item[map] = (xn_keypoint){map, score, {x, y}};
    }
}

// found: room for count.
XN_KERNEL void xn_keypoints_of_values(const xn_values *values, const xn_keypoints_values *p,
                                      xn_keypoints *found) {
    *found = (xn_keypoints){.count = (uint32_t)p->count};
    for (int32_t i = 0; i < p->count; i++) {
        int32_t at = i * p->values;
        float score = 1.0f;
        if (p->score >= 0) {
            score = keypoints_score(xn_value_at(values, at + p->score), p->sigmoid);
        }
        float x = xn_value_unit(xn_value_at(values, at + p->x) * p->scale_x);
        float y = xn_value_unit(xn_value_at(values, at + p->y) * p->scale_y);
        found->item[i] = (xn_keypoint){i, score, {x, y}};
    }
}
