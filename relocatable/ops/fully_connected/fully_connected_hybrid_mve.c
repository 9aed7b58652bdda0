// FULLY_CONNECTED of float32 by int8 for Helium: 16 products at a time.
#include "ops/_shared/xn_mve.h"

#define XN_FULLY_CONNECTED_HYBRID_DOT xn_mve_dot
#include "ops/fully_connected/fully_connected_hybrid.c"
