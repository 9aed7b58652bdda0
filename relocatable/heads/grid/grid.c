// Head `grid`: one box for each cell of an output [1, rows, columns, channels], then suppression of
// overlapping ones, greedy by score, within each label.
#include "blob/include/xn_blob.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "heads/value.h"

typedef struct xn_grid {
    int32_t rows, columns, channels;
    int32_t x, y, w, h, conf; // channels of these; w, h, conf: -1 if there is none
    int32_t class_count;      // 0: one label
    int32_t center_in_cell;   // x, y: 1 offsets within the cell, 0 fractions of the picture
    float box_w, box_h;       // size if w and h are -1
    float threshold, iou;
    int32_t max_detections;
} xn_grid;

// What the kernel works on: one output, a flag for each channel, the channels that are class
// scores.
typedef struct xn_grid_view {
    const xn_grid *p;
    xn_values values;
    const uint8_t *is_logit; // [channels]
    const int32_t *classes;  // [class_count]
} xn_grid_view;

typedef struct xn_grid_candidate {
    float score;
    int32_t cell;
} xn_grid_candidate;

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
    w = w > 0.0f ? 0.5f * w : 0.0f; // a negative size is an empty one
    h = h > 0.0f ? 0.5f * h : 0.0f;
    d->x0 = xn_value_unit(x - w);
    d->y0 = xn_value_unit(y - h);
    d->x1 = xn_value_unit(x + w);
    d->y1 = xn_value_unit(y + h);
}

static inline float grid_area(const xn_detection *d) {
    return (d->x1 - d->x0) * (d->y1 - d->y0);
}

static inline int grid_overlaps(const xn_detection *a, const xn_detection *b, float iou) {
    float x0 = a->x0 > b->x0 ? a->x0 : b->x0, x1 = a->x1 < b->x1 ? a->x1 : b->x1;
    float y0 = a->y0 > b->y0 ? a->y0 : b->y0, y1 = a->y1 < b->y1 ? a->y1 : b->y1;
    if (!(x1 > x0 && y1 > y0)) {
        return 0;
    }
    float both = (x1 - x0) * (y1 - y0);
    return both > iou * (grid_area(a) + grid_area(b) - both);
}

static inline int grid_better(const xn_grid_candidate *a, const xn_grid_candidate *b) {
    return a->score > b->score || (a->score == b->score && a->cell < b->cell);
}

// Restores the heap below `at`: every candidate is better than its two children.
static inline void grid_sink(xn_grid_candidate *heap, int32_t count, int32_t at) {
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count && grid_better(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!grid_better(&heap[child], &heap[at])) {
            return;
        }
        xn_grid_candidate moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

static inline int32_t grid_candidates(const xn_grid_view *v, xn_grid_candidate *heap) {
    int32_t count = 0, label;
    for (int32_t cell = 0; cell < v->p->rows * v->p->columns; cell++) {
        float score = grid_score(v, cell, &label);
        if (score >= v->p->threshold) {
            heap[count++] = (xn_grid_candidate){score, cell};
        }
    }
    for (int32_t at = count / 2; at-- > 0;) {
        grid_sink(heap, count, at);
    }
    return count;
}

static inline int grid_is_new(const xn_detections *found, const xn_detection *d, float iou) {
    for (uint32_t i = 0; i < found->count; i++) {
        if (found->item[i].label == d->label && grid_overlaps(&found->item[i], d, iou)) {
            return 0;
        }
    }
    return 1;
}

// found: room for max_detections; heap: room for rows * columns.
XN_KERNEL void xn_grid_detect(const xn_grid_view *v, xn_grid_candidate *heap,
                              xn_detections *found) {
    const xn_grid *p = v->p;
    *found = (xn_detections){0};
    int32_t left = grid_candidates(v, heap);
    while (left > 0 && found->count < (uint32_t)p->max_detections) {
        xn_detection d;
        (void)grid_score(v, heap[0].cell, &d.label);
        d.score = heap[0].score;
        grid_box(v, heap[0].cell, &d);
        if (grid_is_new(found, &d, p->iou)) {
            found->item[found->count++] = d;
        }
        heap[0] = heap[--left];
        grid_sink(heap, left, 0);
    }
    for (uint32_t i = found->count; i < (uint32_t)p->max_detections; i++) {
        found->item[i] = (xn_detection){0};
    }
}
