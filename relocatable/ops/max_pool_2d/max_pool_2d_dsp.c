// MAX_POOL_2D of bytes for the DSP extension, four channels at a time.
#include "ops/_shared/xn_dsp.h"
#include "ops/_shared/xn_kernel.h"

typedef struct {
    xn_window window;
    int32_t channels;
    int32_t low, high; // clamp of the output
} XN_NAME(xn_max_pool_2d_dsp_params);

// The greater of each two bytes; SEL goes by what the subtraction left.
static inline uint32_t XN_NAME(max_pool_2d_dsp_max)(uint32_t a, uint32_t b) {
    if (XN_T_MIN < 0) {
        __ssub8((int8x4_t)a, (int8x4_t)b);
    } else {
        __usub8(a, b);
    }
    return __sel(a, b);
}

static inline uint32_t XN_NAME(max_pool_2d_dsp_four)(int32_t value) {
    return ((uint32_t)value & 0xFFu) * 0x01010101u;
}

// in: T [in_h, in_w, channels]; out: T [out_h, out_w, channels].
XN_KERNEL void XN_NAME(xn_max_pool_2d_dsp)(const XN_T *in, XN_T *out,
                                           const XN_NAME(xn_max_pool_2d_dsp_params) * p) {
    const xn_window *win = &p->window;
    uint32_t low = XN_NAME(max_pool_2d_dsp_four)(p->low);
    uint32_t high = XN_NAME(max_pool_2d_dsp_four)(p->high);
    for (int32_t out_y = 0; out_y < win->out_h; out_y++) {
        xn_taps rows = xn_rows(win, out_y);
        for (int32_t out_x = 0; out_x < win->out_w; out_x++, out += p->channels) {
            xn_taps columns = xn_columns(win, out_x);
            const XN_T *corner =
                in + ((rows.origin + rows.first) * win->in_w + columns.origin + columns.first) *
                         p->channels;
            for (int32_t c = 0; c < p->channels; c += 4) {
                int32_t count = xn_min(4, p->channels - c);
                uint32_t most = low;
                const XN_T *row = corner + c;
                for (int32_t y = rows.first; y < rows.last; y++, row += win->in_w * p->channels) {
                    const XN_T *x = row;
                    for (int32_t kx = columns.first; kx < columns.last; kx++, x += p->channels) {
                        uint32_t word = xn_load_some((const int8_t *)x, count);
                        most = XN_NAME(max_pool_2d_dsp_max)(word, most);
                    }
                }
                if (p->high < XN_T_MAX) { // the least of both is what the greatest leaves
                    most ^= high ^ XN_NAME(max_pool_2d_dsp_max)(high, most);
                }
                xn_store_some((int8_t *)(out + c), most, count);
            }
        }
    }
}
