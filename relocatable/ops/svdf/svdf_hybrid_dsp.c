// SVDF of float32 by int8 for the DSP extension: two products at a time.
#include "ops/_shared/xn_dsp.h"

#define XN_SVDF_HYBRID_DOT xn_dsp_dot
#include "ops/svdf/svdf_hybrid.c"
