// RESIZE_BILINEAR: each pixel is blended of four; int8 and int16 in integers, the rest in floats.
#include "ops/_shared/xn_kernel.h"
#include "ops/resize_bilinear/xn_blend.h"

typedef struct {
    int32_t first_row;    // of the output that this call makes
    int32_t out_h, out_w; // rows that it makes, and pixels of each
    int32_t row;          // elements of a row of the input
    int32_t channels;
} XN_NAME(xn_resize_bilinear_params);

typedef __typeof__(_Generic((XN_T)0, int8_t: (int32_t)0, int16_t: (int32_t)0, default: 0.0f))
    XN_NAME(share);

// in: T [.., row], from row rows[first_row] on; rows, columns: the upper row and the left column
// for each of the output's; below, beside: 1 if the next one has a share, else 0; down, right: that
// share; out: T [out_h, out_w, channels].
XN_KERNEL void XN_NAME(xn_resize_bilinear)(const XN_T *in, const int32_t *rows,
                                           const uint8_t *below, const XN_NAME(share) * down,
                                           const int32_t *columns, const uint8_t *beside,
                                           const XN_NAME(share) * right, XN_T *out,
                                           const XN_NAME(xn_resize_bilinear_params) * p) {
    int32_t first = rows[p->first_row], channels = p->channels;
    for (int32_t y = p->first_row; y < p->first_row + p->out_h; y++) {
        const XN_T *row = in + (rows[y] - first) * p->row;
        int32_t to_lower = below[y] * p->row;
        XN_NAME(share) down_share = down[y];
        for (int32_t x = 0; x < p->out_w; x++) {
            const XN_T *a = row + columns[x] * channels, *b = a + beside[x] * channels;
            const XN_T *c = a + to_lower, *d = b + to_lower;
            XN_NAME(share) right_share = right[x];
            for (int32_t i = 0; i < channels; i++) {
                out[i] = (XN_T)(XN_BLEND((XN_T)0)(a[i], b[i], c[i], d[i], down_share, right_share) +
                                XN_BLEND_HALF((XN_T)0));
            }
            out += channels;
        }
    }
}
