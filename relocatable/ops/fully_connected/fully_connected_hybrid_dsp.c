// FULLY_CONNECTED of float32 by int8 for the DSP extension: two products at a time.
#include "ops/_shared/xn_dsp.h"

#define XN_FULLY_CONNECTED_HYBRID_DOT xn_dsp_dot
#include "ops/fully_connected/fully_connected_hybrid.c"
