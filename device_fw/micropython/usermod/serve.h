// xipnet inside another port: the module starts with its first import, and serves the SDK
// while xipnet.serve() runs, on the port's own line or on streams.
#ifndef XN_SERVE_H
#define XN_SERVE_H

#include <stdbool.h>

#include "py/obj.h"

extern bool xn_serve_quiet; // nothing is sent: nobody expects frames before serve()

MP_DECLARE_CONST_FUN_OBJ_0(xn_serve_init_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR(xn_serve_obj);

#endif
