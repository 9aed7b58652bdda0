// What the heads of the YOLO family share: candidates by score out of one or several outputs, and
// greedy suppression. A head defines xn_yolo_box.
#ifndef XN_HEAD_YOLO_H
#define XN_HEAD_YOLO_H

#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "heads/boxes.h"

#define YOLO_MAPS 8

// An output: candidates of some channels each.
typedef struct xn_yolo_map {
    xn_values values;
    int32_t first, count;  // candidates before it, and in it
    int32_t step, channel; // elements from candidate to candidate, from channel to channel
    int32_t rows, columns; // of cells, if the boxes are coded by cells
    int32_t anchor;        // the first of its anchors
} xn_yolo_map;

typedef struct xn_yolo {
    xn_boxes boxes;
    int32_t maps;
    int32_t objectness;           // its channel; -1: none
    int32_t first_class, classes; // channels
    int32_t sigmoid;              // 1: scores are logits
    xn_yolo_map map[YOLO_MAPS];
} xn_yolo;

static __attribute__((noinline)) float yolo_value(const xn_yolo_map *map, int32_t at,
                                                  int32_t channel) {
    return xn_value_at(&map->values, at * map->step + channel * map->channel);
}

static __attribute__((noinline)) float yolo_sigmoid(float x) {
    return xn_logisticf(x);
}

static __attribute__((noinline)) float yolo_exp(float x) {
    return xn_expf(x);
}

// The box of candidate `at` of a map; corners are clipped to 0..1 of the model's input.
// constants: the head's.
static void xn_yolo_box(const xn_yolo_map *map, const float *constants, int32_t at,
                        xn_detection *d);

// The candidate's score; its label goes to *label. A class score that is no number is left out.
static __attribute__((noinline)) float yolo_score(const xn_yolo *p, const xn_yolo_map *map,
                                                  int32_t at, int32_t *label) {
    float object = 1.0f;
    *label = 0;
    if (p->objectness >= 0) {
        object = yolo_value(map, at, p->objectness);
        object = p->sigmoid ? yolo_sigmoid(object) : object;
        if (p->sigmoid && !(object >= p->boxes.threshold)) {
            return 0.0f; // no class makes it better
        }
    }
    float best = yolo_value(map, at, p->first_class);
    for (int32_t c = 1; c < p->classes; c++) {
        float score = yolo_value(map, at, p->first_class + c);
        if (score > best || (best != best && score == score)) {
            best = score;
            *label = c;
        }
    }
    return xn_value_unit(object * (p->sigmoid ? yolo_sigmoid(best) : best));
}

static inline int32_t yolo_candidates(const xn_yolo *p, xn_boxes_candidate *heap) {
    int32_t count = 0, label;
    for (int32_t m = 0; m < p->maps; m++) {
        const xn_yolo_map *map = &p->map[m];
        for (int32_t at = 0; at < map->count; at++) {
            float score = yolo_score(p, map, at, &label);
            if (score >= p->boxes.threshold) {
                heap[count++] = (xn_boxes_candidate){score, map->first + at};
            }
        }
    }
    xn_boxes_heapify(heap, count);
    return count;
}

static inline const xn_yolo_map *yolo_map_of(const xn_yolo *p, int32_t at) {
    int32_t m = 0;
    while (m + 1 < p->maps && at >= p->map[m + 1].first) {
        m++;
    }
    return &p->map[m];
}

// heap: room for all candidates; found: room for boxes.most.
XN_KERNEL void xn_yolo_detect(const xn_yolo *p, const float *constants, xn_boxes_candidate *heap,
                              xn_detections *found) {
    *found = (xn_detections){0};
    int32_t left = yolo_candidates(p, heap);
    while (left > 0 && found->count < (uint32_t)p->boxes.most) {
        xn_boxes_candidate best = xn_boxes_take(heap, &left);
        const xn_yolo_map *map = yolo_map_of(p, best.at);
        int32_t at = best.at - map->first;
        xn_detection d = {.score = best.score};
        (void)yolo_score(p, map, at, &d.label);
        xn_yolo_box(map, constants, at, &d);
        if (xn_boxes_rival(&p->boxes, found->item, found->count, sizeof d, &d) < 0) {
            found->item[found->count++] = d;
        }
    }
    for (uint32_t i = found->count; i < (uint32_t)p->boxes.most; i++) {
        found->item[i] = (xn_detection){0};
    }
}

#endif
