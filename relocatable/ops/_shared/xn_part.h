// A part of a tensor, at a place that is computed: runs of neighbours.
#ifndef XN_PART_H
#define XN_PART_H

#include "ops/_shared/xn_index.h"

typedef struct {
    int32_t rank;  // places, of the last dimensions
    int32_t words; // of a place: 1 of int32, 2 of int64
    int32_t size[8], part[8];
} xn_part;

typedef struct {
    const xn_part *of;
    int32_t stride[8], done[8];
    int32_t runs; // of part[7] values
} xn_part_walk;

// Starts at the first run; *start: where that begins in the tensor. A place that does not fit
// counts as the nearest that does.
static inline xn_part_walk xn_part_begin(const xn_part *p, const int32_t *place, int32_t *start) {
    xn_part_walk w = {.of = p, .runs = 1};
    int32_t step = 1;
    *start = 0;
    for (int32_t d = 7; d >= 0; d--) {
        int32_t i = d - (8 - p->rank);
        if (i >= 0) {
            int32_t places = p->size[d] - p->part[d] + 1;
            *start += step * xn_index_inside(place + i * p->words, p->words, places);
        }
        w.stride[d] = step;
        step *= p->size[d];
        w.runs *= d < 7 ? p->part[d] : 1;
    }
    return w;
}

// Goes to the next run: by how far that begins behind this one.
static inline int32_t xn_part_next(xn_part_walk *w) {
    int32_t step = 0;
    for (int32_t d = 6; d >= 0; d--) {
        step += w->stride[d];
        w->done[d]++;
        if (w->done[d] < w->of->part[d]) {
            break;
        }
        step -= w->done[d] * w->stride[d];
        w->done[d] = 0;
    }
    return step;
}

#endif
