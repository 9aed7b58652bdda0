// The LSTM of float32 by int8 for Helium: 16 products at a time.
#include "ops/_shared/xn_mve.h"

#define XN_LSTM_HYBRID_DOT xn_mve_dot
#include "ops/unidirectional_sequence_lstm/lstm_hybrid.c"
