// The LSTM of float32 by int8: inputs and hidden values are quantised at each time.
#include "ops/_shared/xn_hybrid.h"
#include "ops/_shared/xn_math.h"
#include "ops/unidirectional_sequence_lstm/xn_lstm.h"

#ifndef XN_LSTM_HYBRID_DOT
#define XN_LSTM_HYBRID_DOT xn_hybrid_dot
#endif

typedef struct xn_lstm_hybrid_params {
    xn_lstm_shape shape;
    float clip;
    int32_t is_asymmetric;
    float scale[8]; // of the input's and of the hidden values' weights
} xn_lstm_hybrid_params;

typedef struct xn_lstm_values {
    const int8_t *at;
    xn_quantized scale;
} xn_lstm_values;

// Products with one cell's weights; part: 0 to 7, of the scales and of sums, int32 [8, cells].
static inline float xn_lstm_part_hybrid(xn_lstm_values x, const int8_t *w, const int32_t *sums,
                                        int32_t n, int32_t part, int32_t c,
                                        const xn_lstm_hybrid_params *p) {
    int32_t sum = XN_LSTM_HYBRID_DOT(x.at, w + c * n, n);
    sum -= p->is_asymmetric ? x.scale.zero * sums[part * p->shape.cells + c] : 0;
    return (float)sum * (p->scale[part] * x.scale.scale);
}

// Sum of a gate before its activation; gate: 0 to 3.
static inline float xn_lstm_sum_hybrid(xn_lstm_values x, xn_lstm_values h, const int8_t *w,
                                       const int8_t *r, const float *bias, const int32_t *sums,
                                       int32_t gate, int32_t c, const xn_lstm_hybrid_params *p) {
    float sum = bias[gate * p->shape.cells + c];
    sum += xn_lstm_part_hybrid(x, w, sums, p->shape.in_c, gate, c, p);
    return sum + xn_lstm_part_hybrid(h, r, sums, p->shape.cells, gate + 4, c, p);
}

// As xn_lstm_i8 (lstm.c), but for float input, states and output; bias: float [4, cells]; values:
// scratch for in_c and for cells quantised values; sums: those of the weights, int32 [8, cells], if
// values get zero points. One for all steps: what is inlined makes it large.
static __attribute__((noinline, unused)) void
xn_lstm_hybrid(const float *in, const int8_t *w0, const int8_t *w1, const int8_t *w2,
               const int8_t *w3, const int8_t *r0, const int8_t *r1, const int8_t *r2,
               const int8_t *r3, const float *bias, const int32_t *sums, int8_t *values, float *h,
               float *state, float *out, const xn_lstm_hybrid_params *p) {
    const xn_lstm_shape *s = &p->shape;
    for (int32_t b = 0; b < s->batch; b++, h += s->cells, state += s->cells) {
        for (int32_t t = 0; t < s->time; t++) {
            int32_t row = b * s->batch_step + t * s->time_step;
            float *y = out + row * s->cells;
            int8_t *hidden = values + s->in_c;
            const float *now = in + row * s->in_c;
            xn_lstm_values x = {values, xn_quantize_values(now, s->in_c, p->is_asymmetric, values)};
            xn_lstm_values k = {hidden, xn_quantize_values(h, s->cells, p->is_asymmetric, hidden)};
            for (int32_t c = 0; c < s->cells; c++) {
                float i = xn_logisticf(xn_lstm_sum_hybrid(x, k, w0, r0, bias, sums, 0, c, p));
                float f = xn_logisticf(xn_lstm_sum_hybrid(x, k, w1, r1, bias, sums, 1, c, p));
                float g = xn_tanhf(xn_lstm_sum_hybrid(x, k, w2, r2, bias, sums, 2, c, p));
                float o = xn_logisticf(xn_lstm_sum_hybrid(x, k, w3, r3, bias, sums, 3, c, p));
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
