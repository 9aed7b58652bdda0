// Indices that are known only at run time.
#ifndef XN_INDEX_H
#define XN_INDEX_H

#include <stdint.h>

// Read an index of one word (int32) or two (int64); one that is not in [0, count) counts as the
// nearest that is: nothing outside of the tensor is read.
static inline int32_t xn_index_inside(const int32_t *index, int32_t words, int32_t count) {
    int32_t low = index[0];
    int32_t sign = words == 2 ? index[1] : low >> 31;
    if (sign < 0) {
        return 0;
    }
    return sign > 0 || low < 0 || low >= count ? count - 1 : low;
}

#endif
