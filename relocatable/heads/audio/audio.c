// Head `audio`: the label whose score, averaged over the last runs, is the best; and whether it
// fires now. Each run gives one item.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "heads/value.h"

typedef struct xn_audio {
    xn_values values;
    const float *threshold; // [count]
    int32_t count;          // labels
    int32_t window;         // runs that are averaged
    int32_t minimum_count;  // runs that must be in the window before it fires; 1 .. window
    int32_t refractory;     // runs in which it does not fire again
    int32_t softmax;        // 1: the values are logits
} xn_audio;

// Zeros before the first run.
typedef struct xn_audio_state {
    int32_t runs; // in the window, 0 .. window
    int32_t next; // place of the next run's scores; the oldest are there
    int32_t wait; // runs in which it must not fire
    int32_t reserved;
    float score[]; // [window, count]
} xn_audio_state;

typedef struct xn_audio_item {
    int32_t label;
    float score;
    uint8_t fired, reserved[3];
} xn_audio_item;

typedef struct xn_audio_items {
    uint32_t count, reserved[3];
    xn_audio_item item[1];
} xn_audio_items;

static __attribute__((noinline)) float audio_exp(float x) {
    return xn_expf(x);
}

// Turns logits into probabilities; what is no number counts as the least.
static inline void audio_softmax(float *score, int32_t count) {
    float most = -__builtin_inff(), sum = 0.0f;
    for (int32_t i = 0; i < count; i++) {
        most = score[i] > most ? score[i] : most;
    }
    for (int32_t i = 0; i < count; i++) {
        score[i] = score[i] == most ? 1.0f : audio_exp(score[i] - most);
        sum += score[i] > 0.0f ? score[i] : 0.0f;
    }
    for (int32_t i = 0; i < count; i++) {
        score[i] = score[i] / sum;
    }
}

// Puts this run's scores, each 0..1, in the place of the oldest.
static inline void audio_push(const xn_audio *p, xn_audio_state *state) {
    float *score = state->score + state->next * p->count;
    for (int32_t i = 0; i < p->count; i++) {
        score[i] = xn_value_at(&p->values, i);
    }
    if (p->softmax) {
        audio_softmax(score, p->count);
    }
    for (int32_t i = 0; i < p->count; i++) {
        score[i] = xn_value_unit(score[i]);
    }
    state->next = state->next + 1 < p->window ? state->next + 1 : 0;
    state->runs += state->runs < p->window;
}

static inline float audio_mean(const xn_audio *p, const xn_audio_state *state, int32_t label) {
    float sum = 0.0f;
    for (int32_t run = 0; run < state->runs; run++) {
        sum += state->score[run * p->count + label];
    }
    return sum / (float)state->runs;
}

XN_KERNEL void xn_audio_hear(const xn_audio *p, xn_audio_state *state, xn_audio_items *found) {
    audio_push(p, state);
    xn_audio_item best = {0, audio_mean(p, state, 0), 0, {0}};
    for (int32_t label = 1; label < p->count; label++) {
        float score = audio_mean(p, state, label);
        if (score > best.score) {
            best.label = label;
            best.score = score;
        }
    }
    if (state->wait > 0) {
        state->wait--;
    } else if (state->runs >= p->minimum_count && best.score > p->threshold[best.label]) {
        best.fired = 1;
        state->wait = p->refractory;
    }
    *found = (xn_audio_items){1, {0}, {best}};
}
