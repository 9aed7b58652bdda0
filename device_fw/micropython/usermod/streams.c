// Hosts on MicroPython's streams: sockets, UARTs, USB, what a script defines. Each has a receiver
// and a line of its own (xn_link.h); a frame enters the core when it is whole.
#include "micropython/usermod/streams.h"

#include "micropython/vm.h"

#include "core/base/xn_port.h"
#include "core/link/xn_link.h"
#include "core/rpc/xn_session.h"

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"

#include <string.h>

#define CHUNK_BYTES 256u
#define OUT_BYTES 512u      // that leave at once
#define GIVE_UP_US 2000000u // the host does not read
#define OBJECTS_MAX 32u     // a bit each

typedef struct stream {
    mp_obj_t object;
    bool accepted; // ours to close
    bool ended;
    bool in_frame;
    xn_frame_decoder decoder;
    uint8_t body[XN_FRAME_MAX + 4u]; // and its CRC
    uint32_t out_bytes;
    uint8_t out[OUT_BYTES];
    xn_reply_cache replies;
} stream;

// On the stack of xn_streams_serve(), where the collector finds what it holds.
typedef struct server {
    size_t count;
    const mp_obj_t *objects;
    uint32_t listening;             // bit per object
    stream *on_line[XN_LINK_LINES]; // NULL: the line is free
    mp_obj_t raised;                // by a stream's write(), to be raised when the core is done
} server;

static server *running;

// ---- A stream's bytes ---------------------------------------------------------------------------

// NULL: an object with methods read() and write() alone.
static const mp_stream_p_t *protocol_of(mp_obj_t object) {
    return MP_OBJ_TYPE_GET_SLOT_OR_NULL(mp_obj_get_type(object), protocol);
}

static bool is_readable(mp_obj_t object) {
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
    if (p->read == NULL || !is_readable(object)) {
        return p->read == NULL ? -1 : 0;
    }
    mp_uint_t n = p->read(object, to, CHUNK_BYTES, &error);
    if (n == MP_STREAM_ERROR) {
        return mp_is_nonblocking_error(error) ? 0 : -1;
    }
    return n > 0 && n <= CHUNK_BYTES ? (int)n : -1;
}

// None and b"" are nothing yet: such an object ends by an OSError.
static int read_by_method(mp_obj_t object, uint8_t *to) {
    mp_obj_t call[3];
    mp_buffer_info_t got;
    mp_load_method(object, MP_QSTR_read, call);
    call[2] = MP_OBJ_NEW_SMALL_INT(CHUNK_BYTES);
    mp_obj_t value = mp_call_method_n_kw(1, 0, call);
    if (value == mp_const_none) {
        return 0;
    }
    mp_get_buffer_raise(value, &got, MP_BUFFER_READ);
    if (got.len > CHUNK_BYTES) {
        mp_raise_ValueError(MP_ERROR_TEXT("read() gave more than was asked for"));
    }
    memcpy(to, got.buf, got.len);
    return (int)got.len;
}

static bool is_os_error(mp_obj_t raised) {
    return mp_obj_exception_match(raised, MP_OBJ_FROM_PTR(&mp_type_OSError));
}

static int read_some(mp_obj_t object, uint8_t *to) {
    const mp_stream_p_t *p = protocol_of(object);
    nlr_buf_t nlr;
    if (nlr_push(&nlr) != 0) {
        if (is_os_error(MP_OBJ_FROM_PTR(nlr.ret_val))) {
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

static bool write_all(mp_obj_t object, const uint8_t *bytes, uint32_t n) {
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

// The core waits for it in the middle of its work: nothing is raised here, and no request of
// Python's comes in between.
static void flush(stream *s) {
    nlr_buf_t nlr;
    uint32_t n = s->out_bytes;
    s->out_bytes = 0;
    if (n == 0 || s->ended) {
        return;
    }
    mp_sched_lock();
    if (nlr_push(&nlr) == 0) {
        s->ended = !write_all(s->object, s->out, n);
        nlr_pop();
    } else {
        s->ended = true;
        if (!is_os_error(MP_OBJ_FROM_PTR(nlr.ret_val))) {
            running->raised = MP_OBJ_FROM_PTR(nlr.ret_val);
        }
    }
    mp_sched_unlock();
}

static void send_on(uint32_t line, const uint8_t *bytes, uint32_t n) {
    stream *s = running != NULL ? running->on_line[line] : NULL;
    if (s == NULL) {
        return;
    }
    for (uint32_t left = n; left > 0;) {
        uint32_t part = MIN(left, OUT_BYTES - s->out_bytes);
        memcpy(s->out + s->out_bytes, bytes, part);
        s->out_bytes += part;
        bytes += part;
        left -= part;
        if (s->out_bytes == OUT_BYTES) {
            flush(s);
        }
    }
    if (n == 0) {
        flush(s);
    }
}

// ---- What Python prints for a request goes to its host ------------------------------------------

#if MICROPY_PY_OS_DUPTERM
static mp_uint_t printer_read(mp_obj_t self, void *to, mp_uint_t n, int *error) {
    (void)self;
    (void)to;
    (void)n;
    *error = MP_EAGAIN;
    return MP_STREAM_ERROR;
}

static mp_uint_t printer_write(mp_obj_t self, const void *from, mp_uint_t n, int *error) {
    (void)self;
    (void)error;
    if (xn_link_line != 0) {
        xn_link_send_text(from, (uint32_t)n);
    }
    return n;
}

static mp_uint_t printer_ioctl(mp_obj_t self, mp_uint_t request, uintptr_t arg, int *error) {
    (void)self;
    (void)request;
    (void)arg;
    (void)error;
    return 0;
}

static const mp_stream_p_t printer_protocol = {
    .read = printer_read, .write = printer_write, .ioctl = printer_ioctl};
static MP_DEFINE_CONST_OBJ_TYPE(printer_type, MP_QSTR_print, MP_TYPE_FLAG_NONE, protocol,
                                &printer_protocol);
static const mp_obj_base_t printer = {&printer_type};

static void print_on_lines(bool on) {
    mp_obj_t from = on ? MP_OBJ_NULL : MP_OBJ_FROM_PTR(&printer);
    for (size_t i = 0; i < MICROPY_PY_OS_DUPTERM; i++) {
        if (MP_STATE_VM(dupterm_objs[i]) == from) {
            MP_STATE_VM(dupterm_objs[i]) = on ? MP_OBJ_FROM_PTR(&printer) : MP_OBJ_NULL;
            return;
        }
    }
}
#else
static void print_on_lines(bool on) {
    (void)on;
}
#endif

// ---- Streams come and go ------------------------------------------------------------------------

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
    } else if (!is_os_error(MP_OBJ_FROM_PTR(nlr.ret_val))) {
        nlr_jump(nlr.ret_val);
    }
}

// One host that does not read must not stop the others.
static void do_not_block(mp_obj_t object) {
    mp_obj_t off[] = {mp_const_false};
    call_if_there(object, MP_QSTR_setblocking, 1, off);
#if defined(__unix__)
    // IPPROTO_TCP, TCP_NODELAY: a reply goes at once.
    mp_obj_t no_delay[] = {MP_OBJ_NEW_SMALL_INT(6), MP_OBJ_NEW_SMALL_INT(1),
                           MP_OBJ_NEW_SMALL_INT(1)};
    call_if_there(object, MP_QSTR_setsockopt, 3, no_delay);
#endif
}

static void open_stream(server *here, mp_obj_t object, bool accepted) {
    stream *s = m_new0(stream, 1);
    uint32_t line = xn_session_open_line(&s->replies);
    if (line == 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("at most %d streams are served"),
                          (int)XN_LINK_LINES - 1);
    }
    s->object = object;
    s->accepted = accepted;
    here->on_line[line] = s;
    if (accepted) {
        do_not_block(object);
    }
}

static void close_stream(server *here, uint32_t line) {
    stream *s = here->on_line[line];
    here->on_line[line] = NULL;
    xn_session_close_line(line);
    if (s->accepted) {
        call_if_there(s->object, MP_QSTR_close, 0, NULL);
    }
}

static bool has_room(const server *here) {
    for (uint32_t line = 1; line < XN_LINK_LINES; line++) {
        if (here->on_line[line] == NULL) {
            return true;
        }
    }
    return false;
}

// What accept() gives; MP_OBJ_NULL: nobody is there, or *error.
static mp_obj_t accept_from(mp_obj_t listener, int *error) {
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
    if (!is_os_error(raised)) {
        nlr_jump(nlr.ret_val);
    }
    mp_obj_t value = mp_obj_exception_get_value(raised);
    int number = mp_obj_is_small_int(value) ? (int)MP_OBJ_SMALL_INT_VALUE(value) : MP_EIO;
    *error = mp_is_nonblocking_error(number) || number == MP_ECONNABORTED ? 0 : number;
    return MP_OBJ_NULL;
}

// Whether somebody came.
static bool accept_one(server *here, size_t index) {
    int error;
    if (!has_room(here) || !is_readable(here->objects[index])) {
        return false;
    }
    mp_obj_t connection = accept_from(here->objects[index], &error);
    if (connection != MP_OBJ_NULL) {
        open_stream(here, connection, true);
    } else if (error != 0) { // it was closed
        here->listening &= ~(1u << index);
    }
    return connection != MP_OBJ_NULL;
}

// Every socket has accept(): one that does not listen refuses it.
static void open_object(server *here, size_t index) {
    mp_obj_t object = here->objects[index], call[2], first = MP_OBJ_NULL;
    int error = MP_EINVAL;
    do_not_block(object);
    mp_load_method_maybe(object, MP_QSTR_accept, call);
    if (call[0] != MP_OBJ_NULL) {
        first = accept_from(object, &error);
    }
    if (error != 0) {
        open_stream(here, object, false);
        return;
    }
    here->listening |= 1u << index;
    if (first != MP_OBJ_NULL) {
        open_stream(here, first, true);
    }
}

// ---- Frames -------------------------------------------------------------------------------------

static void deliver(server *here, uint32_t line, uint32_t n) {
    while (here->on_line[line] != NULL && !xn_link_deliver(line, here->on_line[line]->body, n)) {
        mp_event_wait_ms(1); // a frame on the board's own line comes to its end
        xn_vm_poll();
    }
    xn_vm_poll();
}

// As xn_link_receive(), for a line on which nothing but frames is expected.
static void take(server *here, uint32_t line, uint8_t byte) {
    stream *s = here->on_line[line];
    if (byte != 0) {
        if (s->in_frame && xn_frame_decode_empty(&s->decoder)) {
            xn_frame_decode_begin(&s->decoder, s->body, sizeof(s->body));
        }
        if (s->in_frame) {
            xn_frame_decode_byte(&s->decoder, byte);
        }
        return;
    }
    bool had_bytes = s->in_frame && !xn_frame_decode_empty(&s->decoder);
    int32_t n = had_bytes ? xn_frame_decode_end(&s->decoder) : -1;
    s->in_frame = n < 0; // this 00 may be an opening one
    xn_frame_decode_begin(&s->decoder, NULL, 0);
    if (n > 0 && (uint32_t)n <= XN_FRAME_MAX) {
        deliver(here, line, (uint32_t)n);
    }
}

// Whether anything came.
static bool serve_line(server *here, uint32_t line) {
    uint8_t chunk[CHUNK_BYTES];
    stream *s = here->on_line[line];
    int n = s->ended ? -1 : read_some(s->object, chunk);
    if (n < 0) {
        close_stream(here, line);
        return true;
    }
    for (int i = 0; i < n && !s->ended; i++) {
        take(here, line, chunk[i]);
    }
    return n > 0;
}

// Whether anybody is left to serve.
static bool serve_all(server *here) {
    bool any = false, left = here->listening != 0;
    for (size_t i = 0; i < here->count; i++) {
        any = ((here->listening >> i & 1u) != 0 && accept_one(here, i)) || any;
    }
    for (uint32_t line = 1; line < XN_LINK_LINES; line++) {
        if (here->on_line[line] != NULL) {
            any = serve_line(here, line) || any;
            left = true;
        }
    }
    if (here->raised != MP_OBJ_NULL) {
        nlr_raise(here->raised);
    }
    xn_vm_poll();
    if (!any && left) {
        mp_event_wait_ms(1);
    }
    return left;
}

static void begin(server *here) {
    for (size_t i = 0; i < here->count; i++) {
        open_object(here, i);
    }
}

static void end(server *here) {
    for (uint32_t line = 1; line < XN_LINK_LINES; line++) {
        if (here->on_line[line] != NULL) {
            close_stream(here, line);
        }
    }
    print_on_lines(false);
    running = NULL;
}

void xn_streams_serve(size_t n, const mp_obj_t *objects) {
    server here = {.count = n, .objects = objects, .raised = MP_OBJ_NULL};
    nlr_buf_t nlr;
    if (running != NULL) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("streams are served already"));
    }
    if (n > OBJECTS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("too many streams"));
    }
    running = &here;
    xn_link_send_on = send_on;
    print_on_lines(true);
    if (nlr_push(&nlr) == 0) {
        begin(&here);
        while (serve_all(&here)) {
        }
        nlr_pop();
        end(&here);
        return;
    }
    end(&here);
    nlr_jump(nlr.ret_val);
}
