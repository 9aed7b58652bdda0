// PosenetDecoderOp: the poses of persons, from the highest score of a point on.
#include "ops/posenet_decoder/xn_pose.h"

// Values of a network's output; those of offsets are in units of its pixels.
typedef struct {
    int32_t h, w, channels;
    float zero, scale;
} XN_NAME(xn_pose_map);

typedef struct {
    XN_NAME(xn_pose_map) heat, near, edges;
    int32_t most;                 // poses that are reported
    float least_logit, threshold; // of a point that a pose begins with, of a pose
    float squared_radius, stride;
} XN_NAME(xn_posenet_decoder_params);

XN_INLINE float XN_NAME(pose_real)(const XN_T *map, const XN_NAME(xn_pose_map) * m, int32_t pixel,
                                   int32_t channel) {
    float x = (float)map[pixel * m->channels + channel];
    return (XN_IS_FLOAT ? x : x - m->zero) * m->scale;
}

XN_INLINE float XN_NAME(pose_between)(const XN_T *map, const XN_NAME(xn_pose_map) * m,
                                      const xn_corners *c, int32_t channel) {
    float x[4];
    for (int32_t i = 0; i < 4; i++) {
        x[i] = XN_NAME(pose_real)(map, m, c->pixels[i], channel);
    }
    return (1.0f - c->y) * ((1.0f - c->x) * x[0] + c->x * x[1]) +
           c->y * ((1.0f - c->x) * x[2] + c->x * x[3]);
}

// Follow the offsets, whose two channels are apart by `between`.
XN_INLINE xn_point XN_NAME(pose_followed)(const XN_T *map, const XN_NAME(xn_pose_map) * m,
                                          xn_point at, int32_t channel, int32_t between) {
    xn_corners corners = xn_pose_corners(at, m->h, m->w);
    float dy = XN_NAME(pose_between)(map, m, &corners, channel);
    float dx = XN_NAME(pose_between)(map, m, &corners, channel + between);
    return xn_pose_moved(at, dy, dx, m->h, m->w);
}

// The heap of candidates, indices into the heat map, is kept as std::push_heap and std::pop_heap of
// GNU's library keep it: of equal scores they decide which comes first.
XN_INLINE void XN_NAME(pose_rise)(const XN_T *heat, uint16_t *heap, int32_t at, uint16_t value) {
    while (at > 0 && heat[heap[(at - 1) / 2]] < heat[value]) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = value;
}

XN_INLINE uint16_t XN_NAME(pose_taken)(const XN_T *heat, uint16_t *heap, int32_t count) {
    uint16_t top = heap[0], value = heap[count - 1];
    int32_t at = 0, left = count - 1; // those that are left
    while (2 * at + 2 < left) {
        int32_t child = 2 * at + 2;
        child -= heat[heap[child]] < heat[heap[child - 1]];
        heap[at] = heap[child];
        at = child;
    }
    if (2 * at + 2 == left) {
        heap[at] = heap[2 * at + 1];
        at = 2 * at + 1;
    }
    if (left > 0) {
        XN_NAME(pose_rise)(heat, heap, at, value);
    }
    return top;
}

XN_INLINE int32_t XN_NAME(pose_is_peak)(const XN_T *heat, int32_t h, int32_t w, int32_t y,
                                        int32_t x, int32_t point) {
    XN_T score = heat[(y * w + x) * XN_POSE_POINTS + point];
    for (int32_t ny = xn_max(y - 1, 0); ny < xn_min(y + 2, h); ny++) {
        for (int32_t nx = xn_max(x - 1, 0); nx < xn_min(x + 2, w); nx++) {
            if (heat[(ny * w + nx) * XN_POSE_POINTS + point] > score) {
                return 0;
            }
        }
    }
    return 1;
}

XN_INLINE int32_t XN_NAME(pose_candidates)(const XN_T *heat, uint16_t *heap,
                                           const XN_NAME(xn_posenet_decoder_params) * p) {
    int32_t count = 0, h = p->heat.h, w = p->heat.w;
    for (int32_t pixel = 0; pixel < h * w; pixel++) {
        for (int32_t point = 0; point < XN_POSE_POINTS; point++) {
            if (XN_NAME(pose_real)(heat, &p->heat, pixel, point) >= p->least_logit &&
                XN_NAME(pose_is_peak)(heat, h, w, pixel / w, pixel % w, point)) {
                uint16_t found = (uint16_t)(pixel * XN_POSE_POINTS + point);
                XN_NAME(pose_rise)(heat, heap, count++, found);
            }
        }
    }
    return count;
}

// Find all points of a person, from one on along the edges.
XN_INLINE void XN_NAME(pose_found)(const XN_T *heat, const XN_T *near, const XN_T *edges,
                                   xn_point start, int32_t first, xn_pose *pose,
                                   const XN_NAME(xn_posenet_decoder_params) * p) {
    static const uint8_t from[XN_POSE_EDGES] = {0, 1, 0, 2, 0, 5, 7, 5, 11, 13, 0, 6, 8, 6, 12, 14};
    static const uint8_t to[XN_POSE_EDGES] = {1,  3,  2, 4, 5,  7,  9,  11,
                                              13, 15, 6, 8, 10, 12, 14, 16};
    uint8_t order[XN_POSE_POINTS];
    int32_t known = 1;
    uint32_t mask = 1u << first;
    order[0] = (uint8_t)first;
    pose->points[first] = start;
    for (int32_t i = 0; i < known; i++) {
        int32_t point = order[i];
        xn_point at = pose->points[point];
        xn_corners corners = xn_pose_corners(at, p->heat.h, p->heat.w);
        float logit = XN_NAME(pose_between)(heat, &p->heat, &corners, point);
        pose->scores[point] = xn_pose_probability(logit);
        for (int32_t edge = 0; edge < 2 * XN_POSE_EDGES; edge++) {
            int32_t forth = edge < XN_POSE_EDGES, k = edge % XN_POSE_EDGES;
            int32_t child = forth ? to[k] : from[k];
            if ((forth ? from[k] : to[k]) != point || mask >> child & 1 ||
                known >= XN_POSE_POINTS) {
                continue;
            }
            // Blocks of channels: y and x along the edges, then y and x back.
            int32_t channel = forth ? k : k + 2 * XN_POSE_EDGES;
            xn_point next = XN_NAME(pose_followed)(edges, &p->edges, at, channel, XN_POSE_EDGES);
            for (int32_t turn = 0; turn < 5; turn++) {
                next = XN_NAME(pose_followed)(near, &p->near, next, child, XN_POSE_POINTS);
            }
            mask |= 1u << child;
            order[known++] = (uint8_t)child;
            pose->points[child] = next;
        }
    }
}

// heat: T [h, w, 17]; near: T [h, w, 34]; edges: T [h, w, 64]; poses: [most] and heap: [17 h w], of
// scratch; points: float [most, 17, 2]; point_scores: [most, 17]; scores: [most]; count: [1].
XN_KERNEL void XN_NAME(xn_posenet_decoder)(const XN_T *heat, const XN_T *near, const XN_T *edges,
                                           xn_pose *poses, uint16_t *heap, float *points,
                                           float *point_scores, float *scores, float *count,
                                           const XN_NAME(xn_posenet_decoder_params) * p) {
    int32_t found = 0, w = p->heat.w;
    int32_t candidates = XN_NAME(pose_candidates)(heat, heap, p);
    for (; candidates > 0 && found < p->most; candidates--) {
        int32_t index = XN_NAME(pose_taken)(heat, heap, candidates);
        int32_t pixel = index / XN_POSE_POINTS, point = index % XN_POSE_POINTS;
        xn_point at = {(float)(pixel / w), (float)(pixel % w)};
        at = xn_pose_moved(at, XN_NAME(pose_real)(near, &p->near, pixel, point),
                           XN_NAME(pose_real)(near, &p->near, pixel, point + XN_POSE_POINTS),
                           p->heat.h, w);
        int32_t is_new = 1;
        for (int32_t i = 0; i < found; i++) {
            is_new &= !(xn_pose_distance(at, poses[i].points[point]) <= p->squared_radius);
        }
        if (is_new) {
            xn_pose *pose = poses + found;
            XN_NAME(pose_found)(heat, near, edges, at, point, pose, p);
            pose->score = xn_pose_average(pose, 0);
            found += pose->score >= p->threshold;
        }
    }
    xn_pose_rank(poses, found, 0);
    xn_pose_score_alone(poses, found, p->squared_radius);
    xn_pose_rank(poses, found, 1);
    *count = 0.0f;
    int32_t is_good = 1;
    for (int32_t i = 0; i < p->most; i++) {
        const xn_pose *pose = poses + (i < found ? poses[i].ranked : 0);
        is_good = is_good && i < found && !(pose->score_alone < p->threshold);
        *count += (float)is_good;
        scores[i] = is_good ? pose->score_alone : 0.0f;
        for (int32_t k = 0; k < XN_POSE_POINTS; k++) {
            point_scores[i * XN_POSE_POINTS + k] = is_good ? pose->scores[k] : 0.0f;
            points[(i * XN_POSE_POINTS + k) * 2] = is_good ? pose->points[k].y * p->stride : 0.0f;
            points[(i * XN_POSE_POINTS + k) * 2 + 1] =
                is_good ? pose->points[k].x * p->stride : 0.0f;
        }
    }
}

typedef struct {
    XN_NAME(xn_pose_map) far;
    int32_t most;
    float stride;
} XN_NAME(xn_posenet_masks_params);

// The pose whose points are nearest to where a pixel's offsets lead; 0 if there is none.
XN_INLINE int32_t XN_NAME(pose_nearest)(const XN_T *far, const float *points, int32_t count,
                                        xn_point pixel,
                                        const XN_NAME(xn_posenet_masks_params) * p) {
    xn_point lead[XN_POSE_POINTS];
    for (int32_t k = 0; k < XN_POSE_POINTS; k++) {
        xn_point at = pixel;
        for (int32_t turn = 0; turn < 3; turn++) {
            at = XN_NAME(pose_followed)(far, &p->far, at, k, XN_POSE_POINTS);
        }
        lead[k].y = at.y * p->stride;
        lead[k].x = at.x * p->stride;
    }
    int32_t nearest = 0;
    float least = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        float distance = 0.0f;
        for (int32_t k = 0; k < XN_POSE_POINTS; k++) {
            const float *at = points + (i * XN_POSE_POINTS + k) * 2;
            distance += xn_pose_distance(lead[k], (xn_point){at[0], at[1]});
        }
        if (i == 0 || distance < least) {
            nearest = i;
            least = distance;
        }
    }
    return nearest;
}

// far: T [h, w, 34]; points: float [most, 17, 2]; found: float [1]; masks: float [most, h, w].
XN_KERNEL void XN_NAME(xn_posenet_masks)(const XN_T *far, const float *points, const float *found,
                                         float *masks, const XN_NAME(xn_posenet_masks_params) * p) {
    int32_t h = p->far.h, w = p->far.w;
    for (int32_t i = 0; i < p->most * h * w; i++) {
        masks[i] = 0.0f;
    }
    int32_t count = (int32_t)xn_clampf(*found, 0.0f, (float)p->most);
    for (int32_t y = 0; y < h; y++) {
        for (int32_t x = 0; x < w; x++) {
            xn_point pixel = {(float)y, (float)x};
            int32_t pose = XN_NAME(pose_nearest)(far, points, count, pixel, p);
            masks[(pose * h + y) * w + x] = 1.0f;
        }
    }
}
