// AVERAGE_POOL_2D: the mean of what lies inside the image.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_average_pool_2d_8_params {
    xn_window window;
    int32_t channels;
    int32_t is_signed;
    int32_t low, high; // clamp of the output
} xn_average_pool_2d_8_params;

// in: int8 or uint8 [in_h, in_w, channels]; out: the same type [out_h, out_w, channels].
XN_KERNEL void xn_average_pool_2d_8(const uint8_t *in, uint8_t *out,
                                    const xn_average_pool_2d_8_params *p) {
    const xn_window *win = &p->window;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++) {
            xn_taps columns = xn_columns(win, out_x);
            int32_t count = (rows.last - rows.first) * (columns.last - columns.first);
            for (int32_t c = 0; c < p->channels; c++) {
                int32_t sum = 0;
                for (int32_t y = rows.origin + rows.first; y < rows.origin + rows.last; y++) {
                    const uint8_t *x = in + (y * win->in_w + columns.origin) * p->channels + c;
                    for (int32_t kx = columns.first; kx < columns.last; kx++) {
                        sum += xn_load_8(x + kx * p->channels, p->is_signed);
                    }
                }
                sum = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
                *out++ = (uint8_t)xn_clamp(sum, p->low, p->high);
            }
        }
    }
}

typedef struct xn_average_pool_2d_f32_params {
    xn_window window;
    int32_t channels;
    float low, high;
} xn_average_pool_2d_f32_params;

// in: float [in_h, in_w, channels]; out: float [out_h, out_w, channels].
XN_KERNEL void xn_average_pool_2d_f32(const float *in, float *out,
                                      const xn_average_pool_2d_f32_params *p) {
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
                        sum += x[kx * p->channels];
                    }
                }
                *out++ = xn_clampf(sum / (float)count, p->low, p->high);
            }
        }
    }
}
