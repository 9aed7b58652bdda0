// Just enough of a port for MicroPython's headers, on this machine.
#include <stdint.h>
#include <stdio.h> // upstream's drivers expect them
#include <stdlib.h>
#include <string.h>

typedef intptr_t mp_int_t;
typedef uintptr_t mp_uint_t;
typedef long mp_off_t;
