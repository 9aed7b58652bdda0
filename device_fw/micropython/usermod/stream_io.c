// A stream by its protocol, or by its methods.
#include "micropython/usermod/stream_io.h"

#include "core/base/xn_port.h"

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"

#include <string.h>

#define GIVE_UP_US 2000000u // the host does not read

// ---- A stream's bytes ---------------------------------------------------------------------------

// NULL: an object with methods read() and write() alone.
static const mp_stream_p_t *protocol_of(mp_obj_t object) {
    return MP_OBJ_TYPE_GET_SLOT_OR_NULL(mp_obj_get_type(object), protocol);
}

bool xn_stream_io_is_readable(mp_obj_t object) {
    const mp_stream_p_t *p = protocol_of(object);
    int error = 0;
    if (p == NULL || p->ioctl == NULL) {
        return true;
    }
    mp_uint_t seen = p->ioctl(object, MP_STREAM_POLL,
                              MP_STREAM_POLL_RD | MP_STREAM_POLL_ERR | MP_STREAM_POLL_HUP, &error);
    return seen == MP_STREAM_ERROR || seen != 0; // an error shows itself when it is read
}

// Bytes read; 0: none are there; -1: the stream has ended.
static int read_by_protocol(mp_obj_t object, const mp_stream_p_t *p, uint8_t *to) {
    int error = 0;
    if (p->read == NULL || !xn_stream_io_is_readable(object)) {
        return p->read == NULL ? -1 : 0;
    }
    mp_uint_t n = p->read(object, to, XN_STREAM_IO_CHUNK, &error);
    if (n == MP_STREAM_ERROR) {
        return mp_is_nonblocking_error(error) ? 0 : -1;
    }
    return n > 0 && n <= XN_STREAM_IO_CHUNK ? (int)n : -1;
}

// None and b"" are nothing yet: such an object ends by an OSError.
static int read_by_method(mp_obj_t object, uint8_t *to) {
    mp_obj_t call[3];
    mp_buffer_info_t got;
    mp_load_method(object, MP_QSTR_read, call);
    call[2] = MP_OBJ_NEW_SMALL_INT(XN_STREAM_IO_CHUNK);
    mp_obj_t value = mp_call_method_n_kw(1, 0, call);
    if (value == mp_const_none) {
        return 0;
    }
    mp_get_buffer_raise(value, &got, MP_BUFFER_READ);
    if (got.len > XN_STREAM_IO_CHUNK) {
        mp_raise_ValueError(MP_ERROR_TEXT("read() gave more than was asked for"));
    }
    memcpy(to, got.buf, got.len);
    return (int)got.len;
}

bool xn_stream_io_is_end(mp_obj_t raised) {
    return mp_obj_exception_match(raised, MP_OBJ_FROM_PTR(&mp_type_OSError));
}

int xn_stream_io_read(mp_obj_t object, uint8_t *to) {
    const mp_stream_p_t *p = protocol_of(object);
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        if (xn_stream_io_is_end(MP_OBJ_FROM_PTR(nlr.ret_val))) {
            return -1;
        }
        nlr_jump(nlr.ret_val);
    }
    int n = p != NULL ? read_by_protocol(object, p, to) : read_by_method(object, to);
    nlr_pop();
    return n;
}

// How many bytes were taken, 0: none now; -1: the stream has ended.
static int write_some(mp_obj_t object, const uint8_t *bytes, uint32_t n) {
    const mp_stream_p_t *p = protocol_of(object);
    int error = 0;
    if (p != NULL && p->write != NULL) {
        mp_uint_t taken = p->write(object, bytes, n, &error);
        return taken != MP_STREAM_ERROR ? (int)taken : mp_is_nonblocking_error(error) ? 0 : -1;
    }
    mp_obj_t call[3];
    mp_load_method(object, MP_QSTR_write, call);
    call[2] = mp_obj_new_bytes(bytes, n);
    mp_obj_t taken = mp_call_method_n_kw(1, 0, call); // a BLE UART's says nothing: all
    return mp_obj_is_small_int(taken) ? (int)MP_OBJ_SMALL_INT_VALUE(taken) : (int)n;
}

bool xn_stream_io_write(mp_obj_t object, const uint8_t *bytes, uint32_t n) {
    uint64_t moved_us = xn_port_time_us();
    while (n > 0) {
        int taken = write_some(object, bytes, n);
        if (taken < 0 || (uint32_t)taken > n) {
            return false;
        }
        if (taken > 0) {
            moved_us = xn_port_time_us();
        } else if (xn_port_time_us() - moved_us > GIVE_UP_US) {
            return false;
        } else {
            mp_event_wait_ms(1);
        }
        bytes += taken;
        n -= (uint32_t)taken;
    }
    return true;
}

// ---- Its methods --------------------------------------------------------------------------------

// One method of an object, if it has it; what it raises as OSError does not matter.
static void call_if_there(mp_obj_t object, qstr name, size_t n, const mp_obj_t *args) {
    mp_obj_t call[2 + 3];
    nlr_buf_t nlr;
    mp_load_method_maybe(object, name, call);
    if (call[0] == MP_OBJ_NULL) {
        return;
    }
    memcpy(call + 2, args, n * sizeof(mp_obj_t));
    if (nlr_push(&nlr) == 0) {
        mp_call_method_n_kw(n, 0, call);
        nlr_pop();
    } else if (!xn_stream_io_is_end(MP_OBJ_FROM_PTR(nlr.ret_val))) {
        nlr_jump(nlr.ret_val);
    }
}

// One host that does not read must not stop the others.
void xn_stream_io_do_not_block(mp_obj_t object) {
    mp_obj_t off[] = {mp_const_false};
    call_if_there(object, MP_QSTR_setblocking, 1, off);
#if defined(__unix__)
    // IPPROTO_TCP, TCP_NODELAY: a reply goes at once.
    mp_obj_t no_delay[] = {MP_OBJ_NEW_SMALL_INT(6), MP_OBJ_NEW_SMALL_INT(1),
                           MP_OBJ_NEW_SMALL_INT(1)};
    call_if_there(object, MP_QSTR_setsockopt, 3, no_delay);
#endif
}

// What accept() gives; MP_OBJ_NULL: nobody is there, or *error.
mp_obj_t xn_stream_io_accept(mp_obj_t listener, int *error) {
    mp_obj_t call[2], *items;
    nlr_buf_t nlr;
    *error = 0;
    if (nlr_push(&nlr) == 0) {
        mp_load_method(listener, MP_QSTR_accept, call);
        mp_obj_get_array_fixed_n(mp_call_method_n_kw(0, 0, call), 2, &items);
        nlr_pop();
        return items[0];
    }
    mp_obj_t raised = MP_OBJ_FROM_PTR(nlr.ret_val);
    if (!xn_stream_io_is_end(raised)) {
        nlr_jump(nlr.ret_val);
    }
    mp_obj_t value = mp_obj_exception_get_value(raised);
    int number = mp_obj_is_small_int(value) ? (int)MP_OBJ_SMALL_INT_VALUE(value) : MP_EIO;
    *error = mp_is_nonblocking_error(number) || number == MP_ECONNABORTED ? 0 : number;
    return MP_OBJ_NULL;
}

void xn_stream_io_close(mp_obj_t object) {
    call_if_there(object, MP_QSTR_close, 0, NULL);
}
