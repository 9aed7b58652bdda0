// The LSTM of int16 values with int8 weights, as TFLite Micro computes it.
#include "ops/_shared/xn_dot.h"
#include "ops/_shared/xn_scale.h"
#include "ops/_shared/xn_sigmoid_16.h"
#include "ops/unidirectional_sequence_lstm/xn_lstm.h"

typedef struct xn_lstm_i16_params {
    xn_lstm_shape shape;
    int32_t multiplier[8], shift[8]; // of the input's and the hidden values' sums: 15 bits, right
    int32_t cell_shift;              // of input gate times cell gate, as LiteRT's
    int32_t hidden_multiplier, hidden_shift;
    int32_t tanh_multiplier, tanh_shift; // of the cell state, to steps of 1 / (3 * 4096)
    int32_t clip;                        // of the cell state; 0: none
} xn_lstm_i16_params;

#define LSTM_16_HALF (1 << 30) // as a multiplier

#ifndef XN_LSTM_16_DOT
#define XN_LSTM_16_DOT xn_dot_16
#endif

static inline int32_t lstm_16_clamp(int32_t x) {
    return xn_clamp(x, INT16_MIN, INT16_MAX);
}

// A gate before its activation, in steps of 1 / 4096; gate: 0 to 3.
static inline int32_t lstm_16_sum(const int16_t *x, const int16_t *h, const int8_t *w,
                                  const int8_t *r, const int64_t *bias, int32_t gate, int32_t c,
                                  const xn_lstm_i16_params *p) {
    int32_t n = p->shape.in_c, cells = p->shape.cells;
    int64_t a = bias[gate * cells + c] + XN_LSTM_16_DOT(x, w + c * n, n);
    int64_t b = XN_LSTM_16_DOT(h, r + c * cells, cells);
    int32_t y =
        lstm_16_clamp(xn_multiply_by_reduced_multiplier(a, p->multiplier[gate], p->shift[gate]));
    y += lstm_16_clamp(
        xn_multiply_by_reduced_multiplier(b, p->multiplier[gate + 4], p->shift[gate + 4]));
    return lstm_16_clamp(y);
}

// in: int16 [batch, time, in_c] in the order of the steps; w0 to w3: int8 [cells, in_c]; r0 to r3:
// int8 [cells, cells]; bias: int64 [4, cells]; table: as in xn_sigmoid_16.h; h, state: int16
// [batch, cells]; out: int16 [batch, time, cells].
XN_KERNEL void xn_lstm_i16(const int16_t *in, const int8_t *w0, const int8_t *w1, const int8_t *w2,
                           const int8_t *w3, const int8_t *r0, const int8_t *r1, const int8_t *r2,
                           const int8_t *r3, const int64_t *bias, const uint16_t *table, int16_t *h,
                           int16_t *state, int16_t *out, const xn_lstm_i16_params *p) {
    const xn_lstm_shape *s = &p->shape;
    const int32_t round = p->tanh_shift > 0 ? 1 << (p->tanh_shift - 1) : 0;
    for (int32_t b = 0; b < s->batch; b++, h += s->cells, state += s->cells) {
        for (int32_t t = 0; t < s->time; t++) {
            int32_t row = b * s->batch_step + t * s->time_step;
            const int16_t *x = in + row * s->in_c;
            int16_t *y = out + row * s->cells;
            for (int32_t c = 0; c < s->cells; c++) {
                int32_t i = lstm_16_sum(x, h, w0, r0, bias, 0, c, p);
                int32_t f = lstm_16_sum(x, h, w1, r1, bias, 1, c, p);
                int32_t g = lstm_16_sum(x, h, w2, r2, bias, 2, c, p);
                int32_t o = lstm_16_sum(x, h, w3, r3, bias, 3, c, p);
                i = xn_sigmoid_16_of(3 * i, table, 0);
                f = xn_sigmoid_16_of(3 * f, table, 0);
                g = xn_sigmoid_16_of(3 * g, table, 1);
                o = xn_sigmoid_16_of(3 * o, table, 0);
                int32_t kept = lstm_16_clamp(
                    xn_multiply_by_quantized_multiplier(f * state[c], LSTM_16_HALF, -14));
                kept += lstm_16_clamp(
                    xn_multiply_by_quantized_multiplier(i * g, LSTM_16_HALF, p->cell_shift));
                kept = lstm_16_clamp(kept);
                if (p->clip > 0) {
                    kept = xn_clamp(kept, -p->clip, p->clip);
                }
                state[c] = (int16_t)kept;
                int32_t v = (kept * p->tanh_multiplier + round) >> p->tanh_shift;
                v = xn_multiply_by_quantized_multiplier(o * xn_sigmoid_16_of(v, table, 1),
                                                        p->hidden_multiplier, p->hidden_shift);
                y[c] = (int16_t)lstm_16_clamp(v);
            }
            for (int32_t c = 0; c < s->cells; c++) {
                h[c] = y[c];
            }
        }
    }
}
