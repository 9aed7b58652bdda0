// Head `yolov8`: boxes as YOLOv8 and later ones give them, decoded or as distributions of the
// distances to the four sides.
#include "heads/yolo.h"

// The expected value of a distribution over 0, 1, .. bins - 1, whose logits begin at a channel.
static __attribute__((noinline)) float yolov8_distance(const xn_yolo_map *map, int32_t at,
                                                       int32_t channel, int32_t bins) {
    float most = yolo_value(map, at, channel), sum = 0.0f, mean = 0.0f;
    for (int32_t k = 1; k < bins; k++) {
        float x = yolo_value(map, at, channel + k);
        most = x > most ? x : most;
    }
    for (int32_t k = 0; k < bins; k++) {
        float share = yolo_exp(yolo_value(map, at, channel + k) - most);
        sum += share;
        mean += share * (float)k;
    }
    return mean / sum;
}

// constants: how many bins a distribution has, 0 if the boxes are decoded; then scale of x and y.
static __attribute__((noinline)) void xn_yolo_box(const xn_yolo_map *map, const float *constants,
                                                  int32_t at, xn_detection *d) {
    int32_t bins = (int32_t)constants[0];
    if (bins == 0) {
        float scale_x = constants[1], scale_y = constants[2];
        xn_boxes_corners(yolo_value(map, at, 0) * scale_x, yolo_value(map, at, 1) * scale_y,
                         yolo_value(map, at, 2) * scale_x, yolo_value(map, at, 3) * scale_y, d);
        return;
    }
    float x = (float)(at % map->columns) + 0.5f, y = (float)(at / map->columns) + 0.5f;
    float columns = (float)map->columns, rows = (float)map->rows;
    d->x0 = xn_value_unit((x - yolov8_distance(map, at, 0, bins)) / columns);
    d->y0 = xn_value_unit((y - yolov8_distance(map, at, bins, bins)) / rows);
    d->x1 = xn_value_unit((x + yolov8_distance(map, at, 2 * bins, bins)) / columns);
    d->y1 = xn_value_unit((y + yolov8_distance(map, at, 3 * bins, bins)) / rows);
}
