// Boxes of detections, for every element type.
#ifndef XN_BOX_H
#define XN_BOX_H

#include "ops/_shared/xn_math.h"

typedef struct xn_box_scales {
    float y, x, h, w;
} xn_box_scales;

typedef struct xn_box {
    float y0, x0, y1, x1;
} xn_box;

// code, anchor: y, x, h, w, of the centre and the sides.
static inline xn_box xn_box_decoded(const float *code, const float *anchor,
                                    const xn_box_scales *scales) {
    float y = code[0] / scales->y * anchor[2] + anchor[0];
    float x = code[1] / scales->x * anchor[3] + anchor[1];
    float h = 0.5f * xn_expf(code[2] / scales->h) * anchor[2];
    float w = 0.5f * xn_expf(code[3] / scales->w) * anchor[3];
    xn_box box = {y - h, x - w, y + h, x + w};
    return box;
}

// Intersection over union; 0 if one is empty.
static inline float xn_box_overlap(const xn_box *a, const xn_box *b) {
    float area_a = (a->y1 - a->y0) * (a->x1 - a->x0);
    float area_b = (b->y1 - b->y0) * (b->x1 - b->x0);
    float h = (a->y1 < b->y1 ? a->y1 : b->y1) - (a->y0 > b->y0 ? a->y0 : b->y0);
    float w = (a->x1 < b->x1 ? a->x1 : b->x1) - (a->x0 > b->x0 ? a->x0 : b->x0);
    if (!(area_a > 0.0f) || !(area_b > 0.0f) || !(h > 0.0f) || !(w > 0.0f)) {
        return 0.0f;
    }
    return h * w / (area_a + area_b - h * w);
}

#endif
