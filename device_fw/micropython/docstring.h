// The docstring of a Python function, found in its source: the VM keeps none.
#ifndef XN_DOCSTRING_H
#define XN_DOCSTRING_H

#include <stddef.h>

#include "py/obj.h"

// The docstring of the last function of that name in a source: a str, empty if it has none.
mp_obj_t xn_docstring(const char *source, size_t n, const char *name);

#endif
