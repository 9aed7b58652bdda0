// What heads that give boxes share: candidates by falling score, overlap, greedy suppression within
// each label. An item of such a head's result begins with an xn_detection.
#ifndef XN_HEAD_BOXES_H
#define XN_HEAD_BOXES_H

#include "blob/include/xn_blob.h"
#include "heads/value.h"

// Which boxes are reported; 1 in `iou` or `nested` drops nothing.
typedef struct xn_boxes {
    float threshold; // lowest score
    float iou;       // of two boxes that overlap more, the better one stays:
    float nested;    // intersection over the union, and over the smaller one
    int32_t most;
} xn_boxes;

typedef struct xn_boxes_candidate {
    float score;
    int32_t at; // where the head finds it again; of equal scores the lowest comes first
} xn_boxes_candidate;

// ---- Candidates: a heap, the best on top -------------------------------------------------------

static inline int xn_boxes_better(const xn_boxes_candidate *a, const xn_boxes_candidate *b) {
    return a->score > b->score || (a->score == b->score && a->at < b->at);
}

// Restores the heap below `at`: every candidate is better than its two children.
static inline void xn_boxes_sink(xn_boxes_candidate *heap, int32_t count, int32_t at) {
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count && xn_boxes_better(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!xn_boxes_better(&heap[child], &heap[at])) {
            return;
        }
        xn_boxes_candidate moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

// Makes a heap of candidates in any order; no score is NaN.
static inline void xn_boxes_heapify(xn_boxes_candidate *heap, int32_t count) {
    for (int32_t at = count / 2; at-- > 0;) {
        xn_boxes_sink(heap, count, at);
    }
}

// Takes the best of 1 or more candidates; how many are left goes to *count.
static inline xn_boxes_candidate xn_boxes_take(xn_boxes_candidate *heap, int32_t *count) {
    xn_boxes_candidate best = heap[0];
    heap[0] = heap[--*count];
    xn_boxes_sink(heap, *count, 0);
    return best;
}

// ---- Boxes -------------------------------------------------------------------------------------

// The corners of a box by its centre and size, all clipped to [0, 1], the size first.
static inline void xn_boxes_corners(float x, float y, float w, float h, xn_detection *d) {
    w = 0.5f * xn_value_unit(w);
    h = 0.5f * xn_value_unit(h);
    d->x0 = xn_value_unit(x - w);
    d->y0 = xn_value_unit(y - h);
    d->x1 = xn_value_unit(x + w);
    d->y1 = xn_value_unit(y + h);
}

static inline float xn_boxes_area(const xn_detection *d) {
    return (d->x1 - d->x0) * (d->y1 - d->y0);
}

// Whether two boxes overlap too much for both to be reported.
static inline int xn_boxes_overlap(const xn_boxes *p, const xn_detection *a,
                                   const xn_detection *b) {
    float x0 = a->x0 > b->x0 ? a->x0 : b->x0, x1 = a->x1 < b->x1 ? a->x1 : b->x1;
    float y0 = a->y0 > b->y0 ? a->y0 : b->y0, y1 = a->y1 < b->y1 ? a->y1 : b->y1;
    if (!(x1 > x0 && y1 > y0)) {
        return 0;
    }
    float both = (x1 - x0) * (y1 - y0), of_a = xn_boxes_area(a), of_b = xn_boxes_area(b);
    float smaller = of_a < of_b ? of_a : of_b;
    return both > p->iou * (of_a + of_b - both) || both > p->nested * smaller;
}

// Place of the best of the boxes that drop another; -1: it is to be reported.
// better: boxes that are reported, the best first, `stride` bytes from one to the next.
static inline int32_t xn_boxes_rival(const xn_boxes *p, const void *better, uint32_t count,
                                     uint32_t stride, const xn_detection *d) {
    for (uint32_t i = 0; i < count; i++) {
        const xn_detection *other = (const void *)((const uint8_t *)better + i * stride);
        if (other->label == d->label && xn_boxes_overlap(p, other, d)) {
            return (int32_t)i;
        }
    }
    return -1;
}

#endif
