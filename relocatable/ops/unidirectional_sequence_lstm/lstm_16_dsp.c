// The LSTM of int16 by int8 for the DSP extension: two products at a time.
#include "ops/_shared/xn_dsp.h"

#define XN_LSTM_16_DOT xn_dsp_dot_16
#include "ops/unidirectional_sequence_lstm/lstm_16.c"
