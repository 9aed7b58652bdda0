// Head `yolov5`: boxes as YOLOv5 gives them, decoded or coded against anchors.
#include "heads/yolo.h"

// constants: how many anchors a cell has, 0 if the boxes are decoded; then scale of x and y; then
// width and height of each anchor, map by map, in 0..1 of the model's input.
static __attribute__((noinline)) void xn_yolo_box(const xn_yolo_map *map, const float *constants,
                                                  int32_t at, xn_detection *d) {
    int32_t anchors = (int32_t)constants[0];
    float x = yolo_value(map, at, 0), y = yolo_value(map, at, 1);
    float w = yolo_value(map, at, 2), h = yolo_value(map, at, 3);
    if (anchors == 0) {
        float scale_x = constants[1], scale_y = constants[2];
        xn_boxes_corners(x * scale_x, y * scale_y, w * scale_x, h * scale_y, d);
        return;
    }
    int32_t cell = at / anchors;
    const float *anchor = constants + 3 + 2 * (map->anchor + at % anchors);
    x = 2.0f * yolo_sigmoid(x) - 0.5f + (float)(cell % map->columns);
    y = 2.0f * yolo_sigmoid(y) - 0.5f + (float)(cell / map->columns);
    w = 2.0f * yolo_sigmoid(w);
    h = 2.0f * yolo_sigmoid(h);
    xn_boxes_corners(x / (float)map->columns, y / (float)map->rows, w * w * anchor[0],
                     h * h * anchor[1], d);
}
