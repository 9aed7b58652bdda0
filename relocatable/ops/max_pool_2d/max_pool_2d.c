// MAX_POOL_2D.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_max_pool_2d_8_params {
    xn_window window;
    int32_t channels;
    int32_t is_signed;
    int32_t low, high; // clamp of the output
} xn_max_pool_2d_8_params;

// in: int8 or uint8 [in_h, in_w, channels]; out: the same type [out_h, out_w, channels].
XN_KERNEL void xn_max_pool_2d_8(const uint8_t *in, uint8_t *restrict out,
                                const xn_max_pool_2d_8_params *p) {
    const xn_window *win = &p->window;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++, out += p->channels) {
            xn_taps columns = xn_columns(win, out_x);
            for (int32_t c = 0; c < p->channels; c++) {
                out[c] = (uint8_t)p->low;
            }
            for (int32_t y = rows.origin + rows.first; y < rows.origin + rows.last; y++) {
                for (int32_t kx = columns.first; kx < columns.last; kx++) {
                    const uint8_t *x = in + (y * win->in_w + columns.origin + kx) * p->channels;
                    for (int32_t c = 0; c < p->channels; c++) {
                        int32_t a = xn_load_8(x + c, p->is_signed);
                        out[c] = (uint8_t)xn_max(a, xn_load_8(out + c, p->is_signed));
                    }
                }
            }
            for (int32_t c = 0; c < p->channels; c++) {
                out[c] = (uint8_t)xn_min(xn_load_8(out + c, p->is_signed), p->high);
            }
        }
    }
}

typedef struct xn_max_pool_2d_f32_params {
    xn_window window;
    int32_t channels;
    float low, high;
} xn_max_pool_2d_f32_params;

// in: float [in_h, in_w, channels]; out: float [out_h, out_w, channels].
XN_KERNEL void xn_max_pool_2d_f32(const float *in, float *restrict out,
                                  const xn_max_pool_2d_f32_params *p) {
    const xn_window *win = &p->window;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++, out += p->channels) {
            xn_taps columns = xn_columns(win, out_x);
            for (int32_t c = 0; c < p->channels; c++) {
                out[c] = p->low;
            }
            for (int32_t y = rows.origin + rows.first; y < rows.origin + rows.last; y++) {
                for (int32_t kx = columns.first; kx < columns.last; kx++) {
                    const float *x = in + (y * win->in_w + columns.origin + kx) * p->channels;
                    for (int32_t c = 0; c < p->channels; c++) {
                        out[c] = x[c] > out[c] ? x[c] : out[c];
                    }
                }
            }
            for (int32_t c = 0; c < p->channels; c++) {
                out[c] = out[c] > p->high ? p->high : out[c];
            }
        }
    }
}
