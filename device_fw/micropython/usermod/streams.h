// Hosts on MicroPython's streams, in place of the port's own line.
#ifndef XN_STREAMS_H
#define XN_STREAMS_H

#include "py/obj.h"

// Serves hosts on streams, and those that listening sockets accept, until all streams have ended;
// raises KeyboardInterrupt, and what a stream raises that is not an OSError.
void xn_streams_serve(size_t n, const mp_obj_t *objects);

#endif
