// MaxPoolingWithArgmax2D and MaxUnpooling2D: maxima with their places, and back.
#include "ops/_shared/xn_kernel.h"

// The image is the larger one; a window stands for each pixel of the pooled one.
typedef struct xn_argmax_params {
    int32_t image_h, image_w, pooled_h, pooled_w, channels;
    int32_t k_h, k_w, stride_h, stride_w, pad_top, pad_left;
    float low, high;
} xn_argmax_params;

// image: float [image_h, image_w, channels]; pooled, places: float [pooled_h, pooled_w, channels];
// a place is an index into the window, and a tenth.
XN_KERNEL void xn_max_pooling_argmax(const float *image, float *pooled, float *places,
                                     const xn_argmax_params *p) {
    for (int32_t y = 0; y < p->pooled_h; y++) {
        xn_taps rows = xn_taps_inside(y * p->stride_h - p->pad_top, p->k_h, 1, p->image_h);
        for (int32_t x = 0; x < p->pooled_w; x++) {
            xn_taps columns = xn_taps_inside(x * p->stride_w - p->pad_left, p->k_w, 1, p->image_w);
            for (int32_t c = 0; c < p->channels; c++) {
                float most = -3.40282347e+38f;
                int32_t place = 0;
                for (int32_t ky = rows.first; ky < rows.last; ky++) {
                    for (int32_t kx = columns.first; kx < columns.last; kx++) {
                        int32_t pixel = (rows.origin + ky) * p->image_w + columns.origin + kx;
                        float value = image[pixel * p->channels + c];
                        if (value > most) {
                            most = value;
                            place = ky * p->k_w + kx;
                        }
                    }
                }
                *pooled++ = xn_clampf(most, p->low, p->high);
                *places++ = (float)place + 0.1f;
            }
        }
    }
}

// The same the other way; what has no place within the image is left out.
XN_KERNEL void xn_max_unpooling(const float *pooled, const float *places, float *image,
                                const xn_argmax_params *p) {
    for (int32_t i = 0; i < p->image_h * p->image_w * p->channels; i++) {
        image[i] = 0.0f;
    }
    for (int32_t y = 0; y < p->pooled_h; y++) {
        for (int32_t x = 0; x < p->pooled_w; x++) {
            for (int32_t c = 0; c < p->channels; c++) {
                float value = *pooled++, at = *places++;
                if (!(at > -16777216.0f && at < 16777216.0f)) { // also NaN
                    continue;
                }
                int32_t place = (int32_t)at;
                int32_t to_x = x * p->stride_w - p->pad_left + place % p->k_w;
                int32_t to_y = y * p->stride_h - p->pad_top + place / p->k_w;
                if (to_x >= 0 && to_x < p->image_w && to_y >= 0 && to_y < p->image_h) {
                    image[(to_y * p->image_w + to_x) * p->channels + c] = value;
                }
            }
        }
    }
}
