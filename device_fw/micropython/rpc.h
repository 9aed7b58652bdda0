// Functions across the wire: what @xipnet.rpc registers, `call` and `rpc_list` find.
#ifndef XN_RPC_H
#define XN_RPC_H

#include "core/rpc/xn_lane.h"
#include "core/rpc/xn_server.h"

#include "py/obj.h"

#define XN_RPC_FILE "<rpc>" // what tracebacks call the source of a request

MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(xn_rpc_register_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(xn_rpc_emit_obj);

// The VM restarts: nothing is registered.
void xn_rpc_forget(void);
// The source that is running, in which functions that it defines have their docstrings; NULL: none.
void xn_rpc_set_source(const char *text, size_t n);

// What the function of an XN_LANE_CALL returns; MP_OBJ_NULL: there is no such function.
mp_obj_t xn_rpc_call(const xn_lane_request *request);
// The answer to an XN_LANE_LIST, of at most `count` functions.
mp_obj_t xn_rpc_list(const xn_lane_request *request, size_t count);

#endif
