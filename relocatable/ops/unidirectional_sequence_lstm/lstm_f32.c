// The LSTM of float32.
#include "ops/_shared/xn_kernel.h"
#include "ops/_shared/xn_math.h"
#include "ops/unidirectional_sequence_lstm/xn_lstm.h"

typedef struct xn_lstm_f32_params {
    xn_lstm_shape shape;
    float clip;
} xn_lstm_f32_params;

static inline float xn_lstm_sum_f32(const float *x, const float *h, const float *w, const float *r,
                                    float bias, int32_t c, const xn_lstm_shape *s) {
    float sum = 0.0f;
    for (int32_t i = 0; i < s->in_c; i++) {
        sum += x[i] * w[c * s->in_c + i];
    }
    sum += bias;
    float part = 0.0f;
    for (int32_t i = 0; i < s->cells; i++) {
        part += h[i] * r[c * s->cells + i];
    }
    return part + sum;
}

// As xn_lstm_i8 (lstm.c), all float; bias: [4, cells].
// One for all steps: what is inlined makes it large.
static __attribute__((noinline, unused)) void
xn_lstm_f32(const float *in, const float *w0, const float *w1, const float *w2, const float *w3,
            const float *r0, const float *r1, const float *r2, const float *r3, const float *bias,
            float *h, float *state, float *out, const xn_lstm_f32_params *p) {
    const xn_lstm_shape *s = &p->shape;
    for (int32_t b = 0; b < s->batch; b++, h += s->cells, state += s->cells) {
        for (int32_t t = 0; t < s->time; t++) {
            int32_t row = b * s->batch_step + t * s->time_step;
            const float *x = in + row * s->in_c;
            float *y = out + row * s->cells;
            for (int32_t c = 0; c < s->cells; c++) {
                const float *at = bias + c;
                float i = xn_logisticf(xn_lstm_sum_f32(x, h, w0, r0, at[0], c, s));
                float f = xn_logisticf(xn_lstm_sum_f32(x, h, w1, r1, at[s->cells], c, s));
                float g = xn_tanhf(xn_lstm_sum_f32(x, h, w2, r2, at[2 * s->cells], c, s));
                float o = xn_logisticf(xn_lstm_sum_f32(x, h, w3, r3, at[3 * s->cells], c, s));
                float kept = f * state[c] + g * i;
                if (p->clip > 0.0f) {
                    kept = xn_clampf(kept, -p->clip, p->clip);
                }
                state[c] = kept;
                y[c] = o * xn_tanhf(kept);
            }
            for (int32_t c = 0; c < s->cells; c++) {
                h[c] = y[c];
            }
        }
    }
}
