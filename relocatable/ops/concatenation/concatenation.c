// CONCATENATION, one input at a time.
#include "ops/_shared/xn_kernel.h"

typedef struct xn_concatenation_params {
    int32_t outer;      // blocks: product of the dimensions before the axis
    int32_t block;      // bytes of the input's block
    int32_t out_offset; // bytes of the earlier inputs' blocks
    int32_t out_block;  // bytes of all inputs' blocks
} xn_concatenation_params;

XN_KERNEL void xn_concatenation(const uint8_t *in, uint8_t *out, const xn_concatenation_params *p) {
    for (int32_t n = 0; n < p->outer; n++) {
        uint8_t *to = out + n * p->out_block + p->out_offset;
        for (int32_t i = 0; i < p->block; i++) {
            to[i] = *in++;
        }
    }
}

// The same, not copied for each call: for steps with many inputs.
static __attribute__((noinline, unused)) void
xn_concatenation_shared(const uint8_t *in, uint8_t *out, const xn_concatenation_params *p) {
    xn_concatenation(in, out, p);
}

// table: what the 256 values become if the input's scale is not the output's.
XN_KERNEL void xn_concatenation_table(const uint8_t *in, const uint8_t *table, uint8_t *out,
                                      const xn_concatenation_params *p) {
    for (int32_t n = 0; n < p->outer; n++) {
        uint8_t *to = out + n * p->out_block + p->out_offset;
        for (int32_t i = 0; i < p->block; i++) {
            to[i] = table[*in++];
        }
    }
}

static __attribute__((noinline, unused)) void
xn_concatenation_table_shared(const uint8_t *in, const uint8_t *table, uint8_t *out,
                              const xn_concatenation_params *p) {
    xn_concatenation_table(in, table, out, p);
}
