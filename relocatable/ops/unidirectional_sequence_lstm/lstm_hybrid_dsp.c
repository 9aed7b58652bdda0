// The LSTM of float32 by int8 for the DSP extension: two products at a time.
#include "ops/_shared/xn_dsp.h"

#define XN_LSTM_HYBRID_DOT xn_dsp_dot
#include "ops/unidirectional_sequence_lstm/lstm_hybrid.c"
