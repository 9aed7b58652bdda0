// xipnet.store: the named objects in flash, for Python.
#ifndef XN_STORE_MODULE_H
#define XN_STORE_MODULE_H

#include "core/store/xn_store.h"

#include "py/obj.h"

extern const mp_obj_module_t xn_store_module;

// A dict of name, type, size, version, active.
mp_obj_t xn_store_module_describe(const xn_store_object *object);

#endif
