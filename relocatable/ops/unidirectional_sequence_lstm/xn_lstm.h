// UNIDIRECTIONAL_SEQUENCE_LSTM without peepholes, projection and layer normalisation. Gates are in
// LiteRT's order: input, forget, cell, output. The hidden values of a time are its output.
#ifndef XN_LSTM_H
#define XN_LSTM_H

#include <stdint.h>

typedef struct xn_lstm_shape {
    int32_t batch, time, in_c, cells;
    int32_t batch_step, time_step; // in rows of the input and of the output
} xn_lstm_shape;

#endif
