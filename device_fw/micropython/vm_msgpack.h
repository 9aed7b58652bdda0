// Python values as MessagePack (docs/SPEC-wire.md, "Python values").
#ifndef XN_VM_MSGPACK_H
#define XN_VM_MSGPACK_H

#include "core/base/xn_msgpack.h"

#include "py/obj.h"

enum {
    XN_EXT_INT = 1,
    XN_EXT_ARRAY = 2,
};

// Writes a value; raises TypeError for a type that MessagePack cannot carry, ValueError for nesting
// deeper than a reader accepts.
void xn_vm_pack(xn_msgpack_writer *w, mp_obj_t value);
// Reads the next value; raises ValueError if it is malformed, or an ext of no known type.
mp_obj_t xn_vm_unpack(xn_reader *r);

#endif
