// The LSTM of int8, with 16-bit cell states and gates.
#include "ops/_shared/xn_fixed16.h"
#include "ops/unidirectional_sequence_lstm/xn_lstm.h"

typedef struct xn_lstm_i8_params {
    xn_lstm_shape shape;
    int32_t multiplier[8], shift[8]; // of the input's and the hidden values' sums
    int32_t hidden_multiplier, hidden_shift, hidden_zero;
    int32_t whole_bits; // integer bits of the cell state
    int32_t clip;       // of the cell state; 0: none
} xn_lstm_i8_params;

#ifndef XN_LSTM_DOT
#define XN_LSTM_DOT xn_lstm_dot
static inline int32_t xn_lstm_dot(const int8_t *x, const int8_t *w, int32_t n) {
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (int32_t)x[i] * w[i];
    }
    return sum;
}
#endif

// Sum of a gate before its activation; gate: 0 to 3.
static inline int32_t xn_lstm_sum_i8(const int8_t *x, const int8_t *h, const int8_t *w,
                                     const int8_t *r, const int32_t *bias, int32_t gate, int32_t c,
                                     const xn_lstm_i8_params *p) {
    int32_t n = p->shape.in_c, cells = p->shape.cells;
    int32_t a = bias[gate * cells + c] + XN_LSTM_DOT(x, w + c * n, n);
    int32_t b = bias[(gate + 4) * cells + c] + XN_LSTM_DOT(h, r + c * cells, cells);
    a = xn_multiply_by_quantized_multiplier(a, p->multiplier[gate], p->shift[gate]);
    b = xn_multiply_by_quantized_multiplier(b, p->multiplier[gate + 4], p->shift[gate + 4]);
    a = xn_clamp(a, INT16_MIN, INT16_MAX);
    // b may be anything that 32 bits hold.
    return xn_clamp(xn_clamp(b, -(1 << 17), 1 << 17) + a, INT16_MIN, INT16_MAX);
}

// in: int8 [batch, time, in_c] in the order of the steps; w0 to w3: int8 [cells, in_c]; r0 to r3:
// int8 [cells, cells]; bias: int32 [8, cells], that of the hidden values' sums last; h: int8
// [batch, cells]; state: int16 [batch, cells]; out: int8 [batch, time, cells].
XN_KERNEL void xn_lstm_i8(const int8_t *in, const int8_t *w0, const int8_t *w1, const int8_t *w2,
                          const int8_t *w3, const int8_t *r0, const int8_t *r1, const int8_t *r2,
                          const int8_t *r3, const int32_t *bias, int8_t *h, int16_t *state,
                          int8_t *out, const xn_lstm_i8_params *p) {
    const xn_lstm_shape *s = &p->shape;
    for (int32_t b = 0; b < s->batch; b++, h += s->cells, state += s->cells) {
        for (int32_t t = 0; t < s->time; t++) {
            int32_t row = b * s->batch_step + t * s->time_step;
            const int8_t *x = in + row * s->in_c;
            int8_t *y = out + row * s->cells;
            for (int32_t c = 0; c < s->cells; c++) {
                int32_t i = xn_fixed16_logistic(xn_lstm_sum_i8(x, h, w0, r0, bias, 0, c, p));
                int32_t f = xn_fixed16_logistic(xn_lstm_sum_i8(x, h, w1, r1, bias, 1, c, p));
                int32_t g = xn_fixed16_tanh(xn_lstm_sum_i8(x, h, w2, r2, bias, 2, c, p), 3);
                int32_t o = xn_fixed16_logistic(xn_lstm_sum_i8(x, h, w3, r3, bias, 3, c, p));
                int32_t kept = xn_rounding_divide_by_pot(f * state[c], 15) +
                               xn_rounding_divide_by_pot(i * g, 15 + p->whole_bits);
                kept = xn_clamp(kept, INT16_MIN, INT16_MAX);
                if (p->clip > 0) {
                    kept = xn_clamp(kept, -p->clip, p->clip);
                }
                state[c] = (int16_t)kept;
                int32_t v =
                    xn_multiply_by_quantized_multiplier(o * xn_fixed16_tanh(kept, p->whole_bits),
                                                        p->hidden_multiplier, p->hidden_shift);
                y[c] = (int8_t)xn_clamp(v + p->hidden_zero, INT8_MIN, INT8_MAX);
            }
            for (int32_t c = 0; c < s->cells; c++) {
                h[c] = y[c];
            }
        }
    }
}
