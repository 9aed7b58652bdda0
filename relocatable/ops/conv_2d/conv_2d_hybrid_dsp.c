// CONV_2D of float32 by int8 for the DSP extension: two products at a time.
#include "ops/_shared/xn_dsp.h"

#define XN_CONV_2D_HYBRID_DOT xn_dsp_dot
#include "ops/conv_2d/conv_2d_hybrid.c"
