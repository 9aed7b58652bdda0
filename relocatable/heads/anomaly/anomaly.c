// Head `anomaly`: how far an input is from what is normal.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "heads/value.h"

typedef struct xn_anomaly {
    int32_t count;    // values of the output
    int32_t clusters; // of normal inputs
    float threshold;  // a higher score is an anomaly
} xn_anomaly;

typedef struct xn_anomaly_item {
    float score;
    uint8_t is_anomaly, reserved[3];
} xn_anomaly_item;

typedef struct xn_anomaly_items {
    uint32_t count, reserved[3];
    xn_anomaly_item item[];
} xn_anomaly_items;

#define ANOMALY_PART 64 // values summed at a time: sums of sums lose less

static inline void anomaly_say(const xn_anomaly *p, float score, xn_anomaly_items *found) {
    *found = (xn_anomaly_items){.count = 1};
    found->item[0] = (xn_anomaly_item){score, !(score <= p->threshold), {0}};
}

// found: room for one.
XN_KERNEL void xn_anomaly_error(const xn_values *given, const xn_values *made, const xn_anomaly *p,
                                xn_anomaly_items *found) {
    float sum = 0.0f;
    for (int32_t first = 0; first < p->count; first += ANOMALY_PART) {
        float part = 0.0f;
        for (int32_t i = first; i < xn_min(first + ANOMALY_PART, p->count); i++) {
            float difference = xn_value_at(given, i) - xn_value_at(made, i);
            part += difference * difference;
        }
        sum += part;
    }
    anomaly_say(p, sum / (float)p->count, found);
}

static inline float anomaly_distance(const xn_values *values, int32_t count, const float *center,
                                     const float *scales) {
    float sum = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        float difference = (xn_value_at(values, i) - center[i]) * scales[i];
        sum += difference * difference;
    }
    return xn_sqrtf(sum);
}

// centers: [clusters, count]; radii: [clusters]; scales: [count]; found: room for one.
XN_KERNEL void xn_anomaly_distance(const xn_values *values, const xn_anomaly *p,
                                   const float *centers, const float *radii, const float *scales,
                                   xn_anomaly_items *found) {
    float least = xn_bits_float(0x7F800000u); // infinity stays if no distance is a number
    for (int32_t k = 0; k < p->clusters; k++) {
        float far = anomaly_distance(values, p->count, centers + k * p->count, scales) - radii[k];
        least = far < least ? far : least;
    }
    anomaly_say(p, least, found);
}
