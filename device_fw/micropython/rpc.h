// Functions across the wire: what @xipnet.rpc registers, `call` and `rpc_list` find.
#ifndef XN_RPC_H
#define XN_RPC_H

#include "core/rpc/xn_lane.h"
#include "core/rpc/xn_server.h"

#include "py/obj.h"

MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(xn_rpc_register_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(xn_rpc_emit_obj);

// A new life of the VM: nothing is registered.
void xn_rpc_forget(void);
// The source at work, where a function that is defined by it has its docstring; NULL: none.
void xn_rpc_set_source(const char *text, size_t n);

// What the function of an XN_LANE_CALL returns; MP_OBJ_NULL: there is no such function.
mp_obj_t xn_rpc_call(const xn_lane_request *request);
// The answer to an XN_LANE_LIST, of at most `count` functions.
mp_obj_t xn_rpc_list(const xn_lane_request *request, size_t count);

// Of signature.c and docstring.c.

// [(name, kind), (name, kind, default)], or None where the function does not tell.
mp_obj_t xn_signature(mp_obj_t function);
// The name of a function's source, or MP_QSTRnull; and whether it is one of Python at all.
bool xn_signature_source(mp_obj_t function, qstr *source, qstr *name);
// The docstring of the last function of that name in a source: a str, empty where it has none.
mp_obj_t xn_docstring(const char *source, size_t n, const char *name);

#endif
