// The LSTM of int8 for the DSP extension: two products at a time.
#include "ops/_shared/xn_dsp.h"

#define XN_LSTM_DOT xn_dsp_dot
#include "ops/unidirectional_sequence_lstm/lstm.c"
