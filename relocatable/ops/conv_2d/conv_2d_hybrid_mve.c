// CONV_2D of float32 by int8 for Helium: 16 products at a time.
#include "ops/_shared/xn_mve.h"

#define XN_CONV_2D_HYBRID_DOT xn_mve_dot
#include "ops/conv_2d/conv_2d_hybrid.c"
