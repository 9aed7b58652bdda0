// Head `ssd`: boxes, with keypoints if there are any, coded against anchors; then suppression of
// overlapping ones within each label, by dropping or by averaging them.
#include "blob/include/xn_blob.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "heads/boxes.h"
#include "heads/value.h"

enum { SSD_MAPS = 8, SSD_BOX = 4 };

// Two outputs that belong together: the codes and the scores of so many anchors.
typedef struct xn_ssd_map {
    xn_values codes, scores;
    int32_t count;
} xn_ssd_map;

typedef struct xn_ssd {
    xn_boxes boxes;
    int32_t maps, points;   // outputs of codes; keypoints of a box
    int32_t columns;        // scores of an anchor,
    int32_t background;     // of which so many are those of no label
    int32_t is_logit;       // 1: the scores are logits,
    float limit;            // clipped to so much on both sides
    int32_t y_first;        // order of a code: 0 x, y, w, h; 1 y, x, h, w; keypoints alike
    int32_t is_exponential; // 1: w and h are coded as logarithms
    float scale[SSD_BOX];   // codes of x, y, w, h are divided by
    int32_t is_weighted;    // 1: a box is the average of those that it drops, by score
    xn_ssd_map map[SSD_MAPS];
} xn_ssd;

// A box that is reported, as it is compared with others: not clipped.
typedef struct xn_ssd_kept {
    xn_detection box;
    float weight; // of what was added up in its item
} xn_ssd_kept;

// Finds an anchor's output; its number there goes to *at.
static __attribute__((noinline)) const xn_ssd_map *ssd_map(const xn_ssd *p, int32_t *at) {
    const xn_ssd_map *map = p->map;
    while (*at >= map->count) {
        *at -= map->count;
        map++;
    }
    return map;
}

// The anchor's score; its label goes to *label.
static __attribute__((noinline)) float ssd_score(const xn_ssd *p, int32_t at, int32_t *label) {
    const xn_ssd_map *map = ssd_map(p, &at);
    float best = -__builtin_inff();
    *label = 0;
    for (int32_t i = p->background; i < p->columns; i++) {
        float x = xn_value_at(&map->scores, at * p->columns + i);
        if (x > best) {
            best = x;
            *label = i - p->background;
        }
    }
    return xn_value_unit(p->is_logit ? xn_logisticf(xn_clampf(best, -p->limit, p->limit)) : best);
}

// One coordinate of the code: of a size, or of a place if `offset` is an anchor's centre.
static __attribute__((noinline)) float ssd_size(const xn_ssd *p, float code, float anchor) {
    return (p->is_exponential ? xn_expf(code) : code) * anchor;
}

// values: [4 + 2 * points], corners and keypoints. Returns 0 if the box is empty.
static inline int ssd_decode(const xn_ssd *p, const float *anchors, int32_t at, float *values) {
    const float *anchor = anchors + SSD_BOX * at; // x, y, w, h
    int32_t width = SSD_BOX + 2 * p->points;
    const xn_ssd_map *map = ssd_map(p, &at);
    for (int32_t i = 0; i < width; i++) {
        int32_t axis = i & 1, is_size = (i >> 1) == 1; // pairs: centre, size, keypoints
        int32_t k = axis + 2 * is_size;
        float code = xn_value_at(&map->codes, at * width + (i ^ p->y_first)) / p->scale[k];
        values[i] = is_size ? ssd_size(p, code, anchor[k]) : code * anchor[2 + axis] + anchor[axis];
    }
    for (int32_t axis = 0; axis < 2; axis++) {
        float center = values[axis], half = 0.5f * values[2 + axis];
        values[axis] = center - half;
        values[2 + axis] = center + half;
    }
    return values[2] > values[0] && values[3] > values[1];
}

static inline int32_t ssd_candidates(const xn_ssd *p, xn_boxes_candidate *heap) {
    int32_t count = 0, anchor_count = 0, label;
    for (int32_t i = 0; i < p->maps; i++) {
        anchor_count += p->map[i].count;
    }
    for (int32_t at = 0; at < anchor_count; at++) {
        float score = ssd_score(p, at, &label);
        if (score >= p->boxes.threshold) {
            heap[count++] = (xn_boxes_candidate){score, at};
        }
    }
    xn_boxes_heapify(heap, count);
    return count;
}

// An item of the result: a detection, then its keypoints.
static inline xn_detection *ssd_item(const xn_ssd *p, xn_detections *found, uint32_t i) {
    uint32_t stride = sizeof(xn_detection) + 2 * sizeof(float) * (uint32_t)p->points;
    return (void *)((uint8_t *)found + sizeof(xn_detections) + i * stride);
}

// Value i of an item: of the box, or of the keypoints behind score and label.
static inline float *ssd_value(xn_detection *item, int32_t i) {
    return i < SSD_BOX ? &item->x0 + i : (float *)(item + 1) + (i - SSD_BOX);
}

static inline void ssd_add(const xn_ssd *p, xn_detection *item, xn_ssd_kept *kept,
                           const float *values, float weight) {
    for (int32_t i = 0; i < SSD_BOX + 2 * p->points; i++) {
        *ssd_value(item, i) += weight * values[i];
    }
    kept->weight += weight;
}

// Divides the sums, and clips.
static inline void ssd_finish(const xn_ssd *p, xn_detection *item, const xn_ssd_kept *kept) {
    for (int32_t i = 0; i < SSD_BOX + 2 * p->points; i++) {
        float *value = ssd_value(item, i);
        *value = xn_value_unit(*value / kept->weight);
    }
    item->score = kept->box.score;
    item->label = kept->box.label;
}

// anchors: x, y, w, h of each; heap: room for all anchors; kept: room for boxes.most; values: room
// for 4 + 2 * points; found: room for boxes.most items.
XN_KERNEL void xn_ssd_detect(const xn_ssd *p, const float *anchors, xn_boxes_candidate *heap,
                             xn_ssd_kept *kept, float *values, xn_detections *found) {
    uint32_t most = (uint32_t)p->boxes.most, count = 0;
    __builtin_memset(found, 0, (uintptr_t)ssd_item(p, found, most) - (uintptr_t)found);
    int32_t left = ssd_candidates(p, heap);
    while (left > 0 && (p->is_weighted || count < most)) {
        xn_boxes_candidate best = xn_boxes_take(heap, &left);
        if (!ssd_decode(p, anchors, best.at, values)) {
            continue;
        }
        xn_detection box = {values[0], values[1], values[2], values[3], best.score, 0};
        (void)ssd_score(p, best.at, &box.label);
        int32_t rival = xn_boxes_rival(&p->boxes, kept, count, sizeof *kept, &box);
        if (rival >= 0 && p->is_weighted) {
            ssd_add(p, ssd_item(p, found, (uint32_t)rival), &kept[rival], values, best.score);
        } else if (rival < 0 && count < most) {
            // Of scores that are all 0 the first box counts alone.
            float weight = p->is_weighted && best.score > 0.0f ? best.score : 1.0f;
            kept[count] = (xn_ssd_kept){box, 0.0f};
            ssd_add(p, ssd_item(p, found, count), &kept[count], values, weight);
            count++;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        ssd_finish(p, ssd_item(p, found, i), &kept[i]);
    }
    found->count = count;
}
