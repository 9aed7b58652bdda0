// The bytes of any MicroPython stream: of one with the stream protocol, or of an object with
// methods read() and write() alone. What is raised is passed on, but for an OSError: that is the
// stream's end.
#ifndef XN_STREAM_IO_H
#define XN_STREAM_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "py/obj.h"

#define XN_STREAM_IO_CHUNK 256u // bytes read at once

// Whether an exception is a stream's end.
bool xn_stream_io_is_end(mp_obj_t raised);
// Whether reading, or accepting, gives something, if the stream can tell.
bool xn_stream_io_is_readable(mp_obj_t object);
// Reads up to XN_STREAM_IO_CHUNK bytes: how many; 0: none are there; -1: the stream has ended.
int xn_stream_io_read(mp_obj_t object, uint8_t *to);
// Writes all; false: the stream has ended, or took nothing for 2 s. An OSError is raised, too.
bool xn_stream_io_write(mp_obj_t object, const uint8_t *bytes, uint32_t n);
// A socket does not block from now on, and sends at once; other objects stay as they are.
void xn_stream_io_do_not_block(mp_obj_t object);
// Who connects to a socket that does not block; MP_OBJ_NULL: nobody, or *error, if it is not 0.
mp_obj_t xn_stream_io_accept(mp_obj_t listener, int *error);
void xn_stream_io_close(mp_obj_t object); // if it has a close()

#endif
