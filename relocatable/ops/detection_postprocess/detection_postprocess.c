// TFLite_Detection_PostProcess: the best boxes that do not overlap, of any class.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "ops/detection_postprocess/xn_box.h"

typedef struct {
    int32_t boxes;
    int32_t columns, background; // scores of a box, and of those before the first class's
    int32_t most;                // boxes that are reported
    float box_zero, box_scale, score_zero, score_scale;
    xn_box_scales scales;
    float score_threshold, overlap_threshold;
} XN_NAME(xn_detection_postprocess_params);

XN_INLINE float XN_NAME(real)(XN_T x, float zero, float scale) {
    return XN_IS_FLOAT ? (float)x : ((float)x - zero) * scale;
}

XN_INLINE xn_box XN_NAME(box_at)(const XN_T *boxes, const float *anchors, int32_t i,
                                 const XN_NAME(xn_detection_postprocess_params) * p) {
    float code[4];
    for (int32_t k = 0; k < 4; k++) {
        code[k] = XN_NAME(real)(boxes[4 * i + k], p->box_zero, p->box_scale);
    }
    return xn_box_decoded(code, anchors + 4 * i, &p->scales);
}

// The first class whose score is the largest.
XN_INLINE int32_t XN_NAME(best_class)(const XN_T *row, int32_t count) {
    int32_t best = 0;
    for (int32_t c = 1; c < count; c++) {
        best = row[c] > row[best] ? c : best;
    }
    return best;
}

// boxes: T [boxes, 4], y, x, h, w; scores: T [boxes, columns]; anchors: float [boxes, 4]; rest:
// float [boxes], of scratch: the best score of each box that is still to be looked at, or -1;
// found: float [most, 4]; classes, best: float [most]; count: float [1].
XN_KERNEL void XN_NAME(xn_detection_postprocess)(const XN_T *boxes, const XN_T *scores,
                                                 const float *anchors, float *rest, float *found,
                                                 float *classes, float *best, float *count,
                                                 const XN_NAME(xn_detection_postprocess_params) *
                                                     p) {
    int32_t class_count = p->columns - p->background;
    for (int32_t i = 0; i < p->boxes; i++) {
        const XN_T *row = scores + i * p->columns + p->background;
        float score = XN_NAME(real)(row[XN_NAME(best_class)(row, class_count)], p->score_zero,
                                    p->score_scale);
        rest[i] = score >= p->score_threshold ? score : -1.0f;
    }
    *count = 0.0f;
    for (int32_t n = 0; n < p->most; n++) {
        int32_t top = 0;
        for (int32_t i = 1; i < p->boxes; i++) {
            top = rest[i] > rest[top] ? i : top;
        }
        xn_box box = {0.0f, 0.0f, 0.0f, 0.0f};
        int32_t best_class = 0;
        float score = 0.0f;
        if (rest[top] >= 0.0f) {
            const XN_T *row = scores + top * p->columns + p->background;
            box = XN_NAME(box_at)(boxes, anchors, top, p);
            best_class = XN_NAME(best_class)(row, class_count);
            score = rest[top];
            *count += 1.0f;
            rest[top] = -1.0f;
            for (int32_t i = 0; i < p->boxes; i++) {
                if (rest[i] >= 0.0f) {
                    xn_box other = XN_NAME(box_at)(boxes, anchors, i, p);
                    rest[i] = xn_box_overlap(&box, &other) > p->overlap_threshold ? -1.0f : rest[i];
                }
            }
        }
        float *to = found + 4 * n;
        to[0] = box.y0, to[1] = box.x0, to[2] = box.y1, to[3] = box.x1;
        classes[n] = (float)best_class;
        best[n] = score;
    }
}
