// xipnet.Array: items with a shape; and arrays of any kind as MessagePack (ext 2).
#ifndef XN_ARRAY_TYPE_H
#define XN_ARRAY_TYPE_H

#include "core/base/xn_msgpack.h"

#include "py/obj.h"

extern const mp_obj_type_t xn_array_type;

// Writes an xipnet.Array, an array.array or another buffer; raises TypeError for anything else.
void xn_array_type_pack(xn_msgpack_writer *w, mp_obj_t value);
// The array of an ext value's bytes: an array.array if it has one dimension, else an
// xipnet.Array. Raises ValueError if it is malformed.
mp_obj_t xn_array_type_unpack(const uint8_t *bytes, uint32_t n);

#endif
