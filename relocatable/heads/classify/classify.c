// Head `classify`: the best k of an output's values, as probabilities.
#include "blob/include/xn_blob.h"
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "heads/value.h"

typedef struct xn_classify {
    int32_t count;   // values of the output
    int32_t top_k;   // 1 .. count
    int32_t softmax; // 1: the values are logits
} xn_classify;

// Place of the best value behind (last_value, last) in the order of falling value, then of place;
// -1 if there is none. The first time `last` is -1.
static inline int32_t classify_next(const xn_values *values, int32_t count, int32_t last) {
    float last_value = last >= 0 ? xn_value_at(values, last) : 0.0f;
    int32_t best = -1;
    float best_value = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        float x = xn_value_at(values, i);
        int behind = last < 0 || x < last_value || (x == last_value && i > last);
        if (x == x && behind && (best < 0 || x > best_value)) {
            best = i;
            best_value = x;
        }
    }
    return best;
}

static __attribute__((noinline)) float classify_exp(float x) {
    return xn_expf(x);
}

static inline float classify_sum(const xn_values *values, int32_t count, float most) {
    float sum = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        sum += classify_exp(xn_value_at(values, i) - most);
    }
    return sum;
}

// found: room for top_k.
XN_KERNEL void xn_classify_best(const xn_values *values, const xn_classify *p, xn_classes *found) {
    *found = (xn_classes){0};
    float most = 0.0f, sum = 1.0f;
    int32_t at = -1;
    for (int32_t k = 0; k < p->top_k; k++) {
        at = k == (int32_t)found->count ? classify_next(values, p->count, at) : -1;
        if (at < 0) { // fewer numbers than wanted: the others are NaN
            found->item[k] = (xn_class){0};
            continue;
        }
        float x = xn_value_at(values, at);
        if (p->softmax && k == 0) {
            most = x;
            sum = classify_sum(values, p->count, most);
        }
        x = p->softmax ? classify_exp(x - most) / sum : x;
        found->item[found->count++] = (xn_class){at, xn_value_unit(x)};
    }
}
