// Head `detections`: boxes that the network has decoded and chosen itself, as by
// TFLite_Detection_PostProcess.
#include "ops/_shared/xn_kernel.h"
#include "heads/boxes.h"

enum { FOUND_BOXES, FOUND_CLASSES, FOUND_SCORES, FOUND_COUNT, FOUND_OUTPUTS };

typedef struct xn_found {
    xn_boxes boxes;
    int32_t slots; // boxes of the output
    int32_t has_count;
    int32_t first_class;
    xn_values values[FOUND_OUTPUTS];
} xn_found;

// How many boxes are valid; a count that is no number counts as 0.
static inline int32_t found_count(const xn_found *p) {
    if (!p->has_count) {
        return p->slots;
    }
    float count = xn_value_at(&p->values[FOUND_COUNT], 0);
    return count >= (float)p->slots ? p->slots : count > 0.0f ? (int32_t)count : 0;
}

// The label of a class; -1: it has none.
static inline int32_t found_label(const xn_found *p, int32_t at) {
    float number = xn_value_at(&p->values[FOUND_CLASSES], at) - (float)p->first_class;
    return number >= 0.0f && number < 65536.0f ? (int32_t)(number + 0.5f) : -1;
}

static inline void found_box(const xn_found *p, int32_t at, xn_detection *d) {
    const xn_values *boxes = &p->values[FOUND_BOXES];
    d->y0 = xn_value_unit(xn_value_at(boxes, 4 * at));
    d->x0 = xn_value_unit(xn_value_at(boxes, 4 * at + 1));
    d->y1 = xn_value_unit(xn_value_at(boxes, 4 * at + 2));
    d->x1 = xn_value_unit(xn_value_at(boxes, 4 * at + 3));
}

// heap: room for all boxes; found: room for boxes.most.
XN_KERNEL void xn_detections_take(const xn_found *p, xn_boxes_candidate *heap,
                                  xn_detections *found) {
    *found = (xn_detections){0};
    int32_t left = 0, count = found_count(p);
    for (int32_t at = 0; at < count; at++) {
        float score = xn_value_unit(xn_value_at(&p->values[FOUND_SCORES], at));
        if (score >= p->boxes.threshold && found_label(p, at) >= 0) {
            heap[left++] = (xn_boxes_candidate){score, at};
        }
    }
    xn_boxes_heapify(heap, left);
    while (left > 0 && found->count < (uint32_t)p->boxes.most) {
        xn_boxes_candidate best = xn_boxes_take(heap, &left);
        xn_detection d = {.label = found_label(p, best.at), .score = best.score};
        found_box(p, best.at, &d);
        int is_box = d.x1 > d.x0 && d.y1 > d.y0;
        if (is_box && xn_boxes_rival(&p->boxes, found->item, found->count, sizeof d, &d) < 0) {
            found->item[found->count++] = d;
        }
    }
    for (uint32_t i = found->count; i < (uint32_t)p->boxes.most; i++) {
        found->item[i] = (xn_detection){0};
    }
}
