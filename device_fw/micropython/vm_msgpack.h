// Python values as MessagePack.
#ifndef XN_VM_MSGPACK_H
#define XN_VM_MSGPACK_H

#include "core/xn_msgpack.h"

#include "py/obj.h"

// Writes a value; raises TypeError for a type that MessagePack cannot carry, OverflowError for an
// integer of more than 64 bits, ValueError for nesting deeper than a reader accepts.
void xn_vm_pack(xn_msgpack_writer *w, mp_obj_t value);

#endif
