// L2_POOL_2D: the root of the mean of the squares inside the image.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_norm.h"

typedef struct {
    xn_window window;
    int32_t channels;
    float low, high; // clamp of the output
} XN_NAME(xn_l2_pool_2d_params);

// in: float [in_h, in_w, channels]; out: float [out_h, out_w, channels].
XN_KERNEL void XN_NAME(xn_l2_pool_2d)(const float *in, float *out,
                                      const XN_NAME(xn_l2_pool_2d_params) * p) {
    const xn_window *win = &p->window;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++) {
            xn_taps columns = xn_columns(win, out_x);
            int32_t count = (rows.last - rows.first) * (columns.last - columns.first);
            for (int32_t c = 0; c < p->channels; c++) {
                float sum = 0.0f;
                for (int32_t y = rows.origin + rows.first; y < rows.origin + rows.last; y++) {
                    const float *x = in + (y * win->in_w + columns.origin) * p->channels + c;
                    for (int32_t kx = columns.first; kx < columns.last; kx++) {
                        sum += x[kx * p->channels] * x[kx * p->channels];
                    }
                }
                *out++ = xn_clampf(xn_norm_root(sum / (float)count), p->low, p->high);
            }
        }
    }
}
