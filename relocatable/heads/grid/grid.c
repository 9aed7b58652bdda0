// Head `grid`: one box for each cell of an output [1, rows, columns, channels], then suppression of
// overlapping ones, greedy by score, within each label.
#include "blob/include/xn_blob.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "heads/boxes.h"
#include "heads/value.h"

typedef struct xn_grid {
    int32_t rows, columns, channels;
    int32_t x, y, w, h, conf; // channels of these; w, h, conf: -1 if there is none
    int32_t class_count;      // 0: one label
    int32_t center_in_cell;   // x, y: 1 offsets within the cell, 0 fractions of the picture
    float box_w, box_h;       // size if w and h are -1
    xn_boxes boxes;
} xn_grid;

// What the kernel works on: one output, a flag for each channel, the channels that are class
// scores.
typedef struct xn_grid_view {
    const xn_grid *p;
    xn_values values;
    const uint8_t *is_logit; // [channels]
    const int32_t *classes;  // [class_count]
} xn_grid_view;

static __attribute__((noinline)) float grid_channel(const xn_grid_view *v, int32_t cell,
                                                    int32_t channel) {
    float x = xn_value_at(&v->values, cell * v->p->channels + channel);
    return v->is_logit[channel] ? xn_logisticf(x) : x;
}

// The cell's score; its label goes to *label.
static __attribute__((noinline)) float grid_score(const xn_grid_view *v, int32_t cell,
                                                  int32_t *label) {
    float conf = v->p->conf >= 0 ? grid_channel(v, cell, v->p->conf) : 1.0f;
    *label = 0;
    if (v->p->class_count == 0) {
        return xn_value_unit(conf);
    }
    float best = grid_channel(v, cell, v->classes[0]);
    for (int32_t c = 1; c < v->p->class_count; c++) {
        float score = grid_channel(v, cell, v->classes[c]);
        if (score > best) {
            best = score;
            *label = c;
        }
    }
    return xn_value_unit(conf * best);
}

static inline void grid_box(const xn_grid_view *v, int32_t cell, xn_detection *d) {
    const xn_grid *p = v->p;
    float x = grid_channel(v, cell, p->x), y = grid_channel(v, cell, p->y);
    if (p->center_in_cell) {
        x = ((float)(cell % p->columns) + x) / (float)p->columns;
        y = ((float)(cell / p->columns) + y) / (float)p->rows;
    }
    float w = p->w >= 0 ? grid_channel(v, cell, p->w) : p->box_w;
    float h = p->h >= 0 ? grid_channel(v, cell, p->h) : p->box_h;
    xn_boxes_corners(x, y, w, h, d);
}

static inline int32_t grid_candidates(const xn_grid_view *v, xn_boxes_candidate *heap) {
    int32_t count = 0, label;
    for (int32_t cell = 0; cell < v->p->rows * v->p->columns; cell++) {
        float score = grid_score(v, cell, &label);
        if (score >= v->p->boxes.threshold) {
            heap[count++] = (xn_boxes_candidate){score, cell};
        }
    }
    xn_boxes_heapify(heap, count);
    return count;
}

// found: room for boxes.most; heap: room for rows * columns.
XN_KERNEL void xn_grid_detect(const xn_grid_view *v, xn_boxes_candidate *heap,
                              xn_detections *found) {
    const xn_boxes *p = &v->p->boxes;
    *found = (xn_detections){0};
    int32_t left = grid_candidates(v, heap);
    while (left > 0 && found->count < (uint32_t)p->most) {
        xn_boxes_candidate best = xn_boxes_take(heap, &left);
        xn_detection d = {.score = best.score};
        (void)grid_score(v, best.at, &d.label);
        grid_box(v, best.at, &d);
        if (xn_boxes_rival(p, found->item, found->count, sizeof d, &d) < 0) {
            found->item[found->count++] = d;
        }
    }
    for (uint32_t i = found->count; i < (uint32_t)p->most; i++) {
        found->item[i] = (xn_detection){0};
    }
}
