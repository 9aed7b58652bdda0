// The signature of a Python function, read from its bytecode.
#ifndef XN_SIGNATURE_H
#define XN_SIGNATURE_H

#include <stdbool.h>

#include "py/obj.h"

// [(name, kind), (name, kind, default)], or None if the function does not tell.
mp_obj_t xn_signature(mp_obj_t function);
// The name of a function's source, or MP_QSTRnull, and its own; false: it is none of Python.
bool xn_signature_source(mp_obj_t function, qstr *source, qstr *name);

#endif
