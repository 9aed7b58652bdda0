// xipnet.preprocess: pictures in Python's buffers.
#ifndef XN_PREPROCESS_H
#define XN_PREPROCESS_H

#include "core/model/xn_image.h"

#include "py/obj.h"

extern const mp_obj_module_t xn_preprocess_module;

// The pixels of a buffer. `shape` is (height, width) or (height, width, channels); the channels of
// the former follow from the length. Raises ValueError if the buffer has another length.
xn_image xn_preprocess_image(mp_obj_t pixels, mp_obj_t shape, int flags);
// xn_image_bilinear() with its memory from the heap.
void xn_preprocess_bilinear(const xn_image *from, const xn_image *to);

#endif
