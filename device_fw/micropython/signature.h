// The signature of a Python function, read from its bytecode.
#ifndef XN_SIGNATURE_H
#define XN_SIGNATURE_H

#include <stdbool.h>

#include "py/obj.h"

// [(name, kind), (name, kind, default)], or None if the function does not say.
mp_obj_t xn_signature(mp_obj_t function);
// A function's name, and its source's or MP_QSTRnull; false: it is not written in Python.
bool xn_signature_source(mp_obj_t function, qstr *source, qstr *name);

#endif
