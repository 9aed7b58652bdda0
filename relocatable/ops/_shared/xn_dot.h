// The sum of products of 16-bit values and weights in the order of memory.
#ifndef XN_DOT_H
#define XN_DOT_H

#include <stdint.h>

static inline int64_t xn_dot_16(const int16_t *x, const int8_t *w, int32_t n) {
    int64_t sum = 0;
#if defined(XN_HAS_VECTORS)
    for (int32_t left = n; left > 0; left -= 8, x += 8, w += 8) {
        mve_pred16_t lanes = vctp16q((uint32_t)left);
        sum = vmlaldavaq_p_s16(sum, vldrhq_z_s16(x, lanes), vldrbq_z_s16(w, lanes), lanes);
    }
#else
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)x[i] * w[i];
    }
#endif
    return sum;
}

#endif
