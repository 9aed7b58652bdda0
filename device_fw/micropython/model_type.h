#ifndef XN_MODEL_TYPE_H
#define XN_MODEL_TYPE_H

#include "core/store/xn_store.h"

#include "py/obj.h"

extern const mp_obj_type_t xn_model_type; // xipnet.Model

// Copies a Python str as the name of an object; raises xipnet.Error if it is too long.
void xn_model_name(mp_obj_t from, char name[XN_STORE_NAME_MAX + 1]);

#endif
