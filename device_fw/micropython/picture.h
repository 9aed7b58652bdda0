// A picture of any size as a model's input, and the model's boxes back in the picture's pixels.
#ifndef XN_PICTURE_H
#define XN_PICTURE_H

#include "core/model/xn_runner.h"

#include "py/obj.h"

// How a picture was fitted into the model's input.
typedef struct xn_picture_fit {
    float left, top;                 // of the fitted picture, input pixels
    float scale;                     // input pixels for one of the picture
    float input_width, input_height; // pixels
    float width, height;             // of the picture
} xn_picture_fit;

// Letterboxes, converts and quantises the pixels into the model's first input, as host_sdk does.
// `shape` is (height, width) or (height, width, channels). Raises ValueError if the model takes no
// picture.
void xn_picture_write(const xn_runner_model *model, mp_obj_t pixels, mp_obj_t shape,
                      xn_picture_fit *fit);
// x and y, 0..1 of the input, become the picture's pixels, clipped to it.
void xn_picture_undo(const xn_picture_fit *fit, float *x, float *y);

#endif
