// EMBEDDING_LOOKUP of floats in a table of int8.
#include "ops/_shared/xn_index.h"
#include "ops/_shared/xn_kernel.h"

typedef struct xn_embedding_params {
    int32_t count; // indices
    int32_t rows;  // to choose from
    int32_t run;   // values of a row
    int32_t step;  // 0: one scale for all rows
} xn_embedding_params;

// table: int8 [rows, run]; scale: float [rows], or one; out: float [count, run].
XN_KERNEL void xn_embedding(const int32_t *indices, const int8_t *table, const float *scale,
                            float *out, const xn_embedding_params *p) {
    for (int32_t i = 0; i < p->count; i++) {
        int32_t at = xn_index_inside(indices + i, 1, p->rows);
        const int8_t *from = table + at * p->run;
        for (int32_t k = 0; k < p->run; k++) {
            *out++ = (float)from[k] * scale[at * p->step];
        }
    }
}
