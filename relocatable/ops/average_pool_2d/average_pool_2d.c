// AVERAGE_POOL_2D: the mean of the values inside the image.
#include "ops/_shared/xn_kernel.h"

typedef struct {
    xn_window window;
    int32_t channels;
    XN_WIDE low, high; // clamp of the output
} XN_NAME(xn_average_pool_2d_params);

// in: T [in_h, in_w, channels]; out: T [out_h, out_w, channels].
XN_KERNEL void XN_NAME(xn_average_pool_2d)(const XN_T *in, XN_T *out,
                                           const XN_NAME(xn_average_pool_2d_params) * p) {
    const xn_window *win = &p->window;
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++) {
            xn_taps columns = xn_columns(win, out_x);
            int32_t count = (rows.last - rows.first) * (columns.last - columns.first);
            for (int32_t c = 0; c < p->channels; c++) {
                XN_WIDE sum = 0;
                for (int32_t y = rows.origin + rows.first; y < rows.origin + rows.last; y++) {
                    const XN_T *x = in + (y * win->in_w + columns.origin) * p->channels + c;
                    for (int32_t kx = columns.first; kx < columns.last; kx++) {
                        sum += x[kx * p->channels];
                    }
                }
#if !XN_IS_FLOAT // the quotient is cut off: halves are to go away from zero
                sum = sum > 0 ? sum + count / 2 : sum - count / 2;
#endif
                *out++ = (XN_T)XN_CLAMP(sum / (XN_WIDE)count, p->low, p->high);
            }
        }
    }
}
