#ifndef XN_INTTYPES_H
#define XN_INTTYPES_H

#include <stdint.h>

#define PRId32 "ld"
#define PRIu32 "lu"
#define PRIx32 "lx"

#endif
