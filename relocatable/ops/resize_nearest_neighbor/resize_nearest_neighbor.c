// RESIZE_NEAREST_NEIGHBOR: copies whole pixels.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_resize_nearest_neighbor_params {
    int32_t first_row;    // of the output that this call makes
    int32_t out_h, out_w; // rows that it makes, and pixels of each
    int32_t row, pixel;   // bytes of the input
} xn_resize_nearest_neighbor_params;

// in: bytes [.., row], from row rows[first_row] on; rows: the input's row for each of the output's;
// columns: int32 [out_w], likewise; out: bytes [out_h, out_w, pixel].
XN_KERNEL void xn_resize_nearest_neighbor(const uint8_t *in, const int32_t *rows,
                                          const int32_t *columns, uint8_t *out,
                                          const xn_resize_nearest_neighbor_params *p) {
    rows += p->first_row;
    for (int32_t y = 0; y < p->out_h; y++) {
        const uint8_t *row = in + (rows[y] - rows[0]) * p->row;
        for (int32_t x = 0; x < p->out_w; x++) {
            const uint8_t *pixel = row + columns[x] * p->pixel;
            for (int32_t i = 0; i < p->pixel; i++) {
                *out++ = pixel[i];
            }
        }
    }
}
