// The cells of a grid [1, rows, columns, channels] whose value in one channel is the highest; a
// cell's neighbours are then left out.
#include "heads/own/xn_head.h"

static void brightest(const xn_head *head, xn_head_result *found) {
    const xn_head_output *grid = &head->output[0];
    int32_t rows = grid->shape[1], columns = grid->shape[2], channels = grid->shape[3];
    uint8_t *is_out = head->scratch;
    if (grid->dims != 4 || rows * columns > head->scratch_bytes) {
        return;
    }
    for (int32_t cell = 0; cell < rows * columns; cell++) {
        is_out[cell] = 0;
    }
    while (found->count < XN_HEAD_MOST) {
        float most = head->parameters->threshold;
        int32_t best = -1;
        for (int32_t cell = 0; cell < rows * columns; cell++) {
            float value = xn_head_value(grid, cell * channels + head->parameters->channel);
            if (!is_out[cell] && value > most) {
                most = value;
                best = cell;
            }
        }
        if (best < 0) {
            return;
        }
        int32_t x = best % columns, y = best / columns;
        found->item[found->count++] = (xn_head_item){
            .label = 0,
            .score = most,
            .place = {((float)x + 0.5f) / (float)columns, ((float)y + 0.5f) / (float)rows},
        };
        for (int32_t cell = 0; cell < rows * columns; cell++) {
            int32_t dx = cell % columns - x, dy = cell / columns - y;
            is_out[cell] |= dx * dx + dy * dy <= 2;
        }
    }
}
