// Poses of persons, for every element type.
#ifndef XN_POSE_H
#define XN_POSE_H

#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"

#define XN_POSE_POINTS 17 // of a person
#define XN_POSE_EDGES 16  // between them, in one direction

// In units of the network's output.
typedef struct xn_point {
    float y, x;
} xn_point;

typedef struct xn_pose {
    xn_point points[XN_POSE_POINTS];
    float scores[XN_POSE_POINTS];
    float score, score_alone; // of all points; of those that no better pose has
    int32_t ranked;           // index of the pose that has this one's place in the order of scores
} xn_pose;

// Four pixels around a place, and how far it is from the first.
typedef struct xn_corners {
    int32_t pixels[4];
    float y, x;
} xn_corners;

static inline float xn_pose_axis(float at, int32_t count, int32_t *low, int32_t *high) {
    float most = (float)count - 1.0f;
    float inside = at > 0.0f ? (at < most ? at : most) : 0.0f; // also NaN
    *low = (int32_t)inside;
    *high = *low + ((float)*low < inside);
    return at - (float)*low;
}

static inline xn_corners xn_pose_corners(xn_point at, int32_t h, int32_t w) {
    int32_t top, bottom, left, right;
    xn_corners corners;
    corners.y = xn_pose_axis(at.y, h, &top, &bottom);
    corners.x = xn_pose_axis(at.x, w, &left, &right);
    corners.pixels[0] = top * w + left;
    corners.pixels[1] = top * w + right;
    corners.pixels[2] = bottom * w + left;
    corners.pixels[3] = bottom * w + right;
    return corners;
}

static inline xn_point xn_pose_moved(xn_point at, float dy, float dx, int32_t h, int32_t w) {
    xn_point moved = {xn_clampf(at.y + dy, 0.0f, (float)h - 1.0f),
                      xn_clampf(at.x + dx, 0.0f, (float)w - 1.0f)};
    return moved;
}

static inline float xn_pose_distance(xn_point a, xn_point b) {
    float dy = b.y - a.y, dx = b.x - a.x;
    return dy * dy + dx * dx;
}

// 1 / (1 + e^-x), by just these operations.
static inline float xn_pose_probability(float x) {
    return 1.0f / (1.0f + xn_expf(-x));
}

// Fill order with the indices of scores from the largest on; equal ones as they stand.
static inline void xn_pose_sort(const float *scores, int32_t *order) {
    for (int32_t i = 0; i < XN_POSE_POINTS; i++) {
        int32_t at = i;
        for (; at > 0 && scores[i] > scores[order[at - 1]]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}

// Average the scores from the largest on, without those of points that a mask hides.
static inline float xn_pose_average(const xn_pose *pose, uint32_t hidden) {
    int32_t order[XN_POSE_POINTS];
    float sum = 0.0f;
    xn_pose_sort(pose->scores, order);
    for (int32_t i = 0; i < XN_POSE_POINTS; i++) {
        sum += hidden >> order[i] & 1 ? 0.0f : pose->scores[order[i]];
    }
    return sum / (float)XN_POSE_POINTS;
}

static inline void xn_pose_rank(xn_pose *poses, int32_t count, int32_t is_alone) {
    for (int32_t i = 0; i < count; i++) {
        float score = is_alone ? poses[i].score_alone : poses[i].score;
        int32_t at = i;
        for (; at > 0; at--) {
            const xn_pose *before = poses + poses[at - 1].ranked;
            if (!(score > (is_alone ? before->score_alone : before->score))) {
                break;
            }
            poses[at].ranked = poses[at - 1].ranked;
        }
        poses[at].ranked = i;
    }
}

// Score each pose by the points that are not where a better one has them.
static inline void xn_pose_score_alone(xn_pose *poses, int32_t count, float squared_radius) {
    for (int32_t i = 0; i < count; i++) {
        xn_pose *pose = poses + poses[i].ranked;
        uint32_t hidden = 0;
        for (int32_t j = 0; j < i; j++) {
            const xn_pose *better = poses + poses[j].ranked;
            for (int32_t k = 0; k < XN_POSE_POINTS; k++) {
                float distance = xn_pose_distance(pose->points[k], better->points[k]);
                hidden |= (uint32_t)(distance <= squared_radius) << k;
            }
        }
        pose->score_alone = xn_pose_average(pose, hidden);
    }
}

#endif
