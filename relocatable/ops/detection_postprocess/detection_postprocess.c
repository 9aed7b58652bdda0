// TFLite_Detection_PostProcess: the best boxes that do not overlap, of any class or of each.
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

XN_INLINE int32_t XN_NAME(top_of)(const float *rest, int32_t count) {
    int32_t top = 0;
    for (int32_t i = 1; i < count; i++) {
        top = rest[i] > rest[top] ? i : top;
    }
    return top;
}

// Drops a box, and those that overlap it.
XN_INLINE void XN_NAME(drop)(const XN_T *boxes, const float *anchors, int32_t top, float *rest,
                             const XN_NAME(xn_detection_postprocess_params) * p) {
    xn_box box = XN_NAME(box_at)(boxes, anchors, top, p);
    rest[top] = -1.0f;
    for (int32_t i = 0; i < p->boxes; i++) {
        if (rest[i] >= 0.0f) {
            xn_box other = XN_NAME(box_at)(boxes, anchors, i, p);
            rest[i] = xn_box_overlap(&box, &other) > p->overlap_threshold ? -1.0f : rest[i];
        }
    }
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
        int32_t top = XN_NAME(top_of)(rest, p->boxes);
        xn_box box = {0.0f, 0.0f, 0.0f, 0.0f};
        int32_t best_class = 0;
        float score = 0.0f;
        if (rest[top] >= 0.0f) {
            const XN_T *row = scores + top * p->columns + p->background;
            box = XN_NAME(box_at)(boxes, anchors, top, p);
            best_class = XN_NAME(best_class)(row, class_count);
            score = rest[top];
            *count += 1.0f;
            XN_NAME(drop)(boxes, anchors, top, rest, p);
        }
        float *to = found + 4 * n;
        to[0] = box.y0, to[1] = box.x0, to[2] = box.y1, to[3] = box.x1;
        classes[n] = (float)best_class;
        best[n] = score;
    }
}

typedef struct {
    int32_t each; // boxes of a class that are looked at
    XN_NAME(xn_detection_postprocess_params) common;
} XN_NAME(xn_detection_regular_params);

// As above, for each class, of which a box may have several; rest is of one class. The outputs hold
// the best ones so far, in order.
XN_KERNEL void XN_NAME(xn_detection_regular)(const XN_T *boxes, const XN_T *scores,
                                             const float *anchors, float *rest, float *found,
                                             float *classes, float *best, float *count,
                                             const XN_NAME(xn_detection_regular_params) * params) {
    const XN_NAME(xn_detection_postprocess_params) *p = &params->common;
    int32_t filled = 0;
    for (int32_t c = p->background; c < p->columns; c++) {
        for (int32_t i = 0; i < p->boxes; i++) {
            float score = XN_NAME(real)(scores[i * p->columns + c], p->score_zero, p->score_scale);
            rest[i] = score >= p->score_threshold ? score : -1.0f;
        }
        int32_t at = 0; // behind the boxes of this class
        for (int32_t n = 0; n < params->each; n++, at++) {
            int32_t top = XN_NAME(top_of)(rest, p->boxes);
            float score = rest[top];
            // Of equal scores that of the earlier class stays first.
            while (at < filled && best[at] >= score) {
                at++;
            }
            if (!(score >= 0.0f) || at >= p->most) {
                break;
            }
            filled = xn_min(filled + 1, p->most);
            for (int32_t i = filled - 1; i > at; i--) {
                for (int32_t k = 0; k < 4; k++) {
                    found[4 * i + k] = found[4 * i - 4 + k];
                }
                classes[i] = classes[i - 1];
                best[i] = best[i - 1];
            }
            xn_box box = XN_NAME(box_at)(boxes, anchors, top, p);
            float *to = found + 4 * at;
            to[0] = box.y0, to[1] = box.x0, to[2] = box.y1, to[3] = box.x1;
            classes[at] = (float)(c - p->background);
            best[at] = score;
            XN_NAME(drop)(boxes, anchors, top, rest, p);
        }
    }
    for (int32_t i = filled; i < p->most; i++) {
        found[4 * i] = found[4 * i + 1] = found[4 * i + 2] = found[4 * i + 3] = 0.0f;
        classes[i] = best[i] = 0.0f;
    }
    *count = (float)filled;
}
