// MAX_POOL_2D.
#include "ops/_shared/xn_kernel.h"

#if XN_IS_FLOAT // bytes gain no speed by it, and become longer
#define XN_MAX_POOL_2D_RESTRICT restrict
#else
#define XN_MAX_POOL_2D_RESTRICT
#endif

typedef struct {
    xn_window window;
    int32_t channels;
    XN_WIDE low, high; // clamp of the output
} XN_NAME(xn_max_pool_2d_params);

// in: T [in_h, in_w, channels]; out: T [out_h, out_w, channels].
XN_KERNEL void XN_NAME(xn_max_pool_2d)(const XN_T *in, XN_T *XN_MAX_POOL_2D_RESTRICT out,
                                       const XN_NAME(xn_max_pool_2d_params) * p) {
    const xn_window *win = &p->window;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++, out += p->channels) {
            xn_taps columns = xn_columns(win, out_x);
            for (int32_t c = 0; c < p->channels; c++) {
                out[c] = (XN_T)p->low;
            }
            for (int32_t y = rows.origin + rows.first; y < rows.origin + rows.last; y++) {
                for (int32_t kx = columns.first; kx < columns.last; kx++) {
                    const XN_T *x = in + (y * win->in_w + columns.origin + kx) * p->channels;
                    for (int32_t c = 0; c < p->channels; c++) {
                        out[c] = x[c] > out[c] ? x[c] : out[c];
                    }
                }
            }
            for (int32_t c = 0; c < p->channels; c++) {
                out[c] = out[c] > p->high ? (XN_T)p->high : out[c];
            }
        }
    }
}

#undef XN_MAX_POOL_2D_RESTRICT
