// GATHER, EMBEDDING_LOOKUP, GATHER_ND: runs of elements that indices point to.
#include "ops/_shared/xn_index.h"
#include "ops/_shared/xn_kernel.h"

typedef struct {
    int32_t batches, outer;
    int32_t depth; // runs to choose from
    int32_t count; // indices of a batch
    int32_t words; // of an index: 1 of int32, 2 of int64
    int32_t run;   // elements
} XN_NAME(xn_gather_params);

// in: T [batches, outer, depth, run]; indices: int32 [batches, count, words]; out: T
// [batches, outer, count, run].
XN_KERNEL void XN_NAME(xn_gather)(const XN_T *in, const int32_t *indices, XN_T *out,
                                  const XN_NAME(xn_gather_params) * p) {
    for (int32_t b = 0; b < p->batches; b++, indices += p->count * p->words) {
        for (int32_t o = 0; o < p->outer; o++, in += p->depth * p->run) {
            for (int32_t i = 0; i < p->count; i++) {
                int32_t at = xn_index_inside(indices + i * p->words, p->words, p->depth);
                const XN_T *from = in + at * p->run;
                for (int32_t k = 0; k < p->run; k++) {
                    *out++ = from[k];
                }
            }
        }
    }
}

typedef struct {
    int32_t count; // runs of the output
    int32_t rank;  // indices of each
    int32_t words;
    int32_t run;     // elements
    int32_t size[8]; // of the input's first dimensions
} XN_NAME(xn_gather_nd_params);

// in: T [size[0], .., run]; indices: int32 [count, rank, words]; out: T [count, run].
XN_KERNEL void XN_NAME(xn_gather_nd)(const XN_T *in, const int32_t *indices, XN_T *out,
                                     const XN_NAME(xn_gather_nd_params) * p) {
    for (int32_t i = 0; i < p->count; i++) {
        int32_t at = 0;
        for (int32_t d = 0; d < p->rank; d++, indices += p->words) {
            at = at * p->size[d] + xn_index_inside(indices, p->words, p->size[d]);
        }
        const XN_T *from = in + at * p->run;
        for (int32_t k = 0; k < p->run; k++) {
            *out++ = from[k];
        }
    }
}
