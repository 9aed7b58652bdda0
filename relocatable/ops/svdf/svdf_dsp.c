// SVDF of int8 for the DSP extension: two products at a time.
#include "ops/_shared/xn_dsp.h"

#define XN_SVDF_DOT xn_dsp_dot
#include "ops/svdf/svdf.c"
