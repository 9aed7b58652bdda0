// Hosts on MicroPython's streams: sockets, UARTs, USB, what a script defines. Each has a receiver
// and a line of its own (xn_link.h); a frame enters the core when it is whole.
#include "micropython/usermod/streams.h"

#include "micropython/usermod/stream_io.h"
#include "micropython/vm.h"

#include "core/base/xn_port.h"
#include "core/link/xn_link.h"
#include "core/rpc/xn_session.h"

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"

#include <string.h>

#define OUT_BYTES 512u  // that leave at once
#define OBJECTS_MAX 32u // a bit each

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

// ---- Out ----------------------------------------------------------------------------------------

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
        s->ended = !xn_stream_io_write(s->object, s->out, n);
        nlr_pop();
    } else {
        s->ended = true;
        if (!xn_stream_io_is_end(MP_OBJ_FROM_PTR(nlr.ret_val))) {
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
        xn_stream_io_do_not_block(object);
    }
}

static void close_stream(server *here, uint32_t line) {
    stream *s = here->on_line[line];
    here->on_line[line] = NULL;
    xn_session_close_line(line);
    if (s->accepted) {
        xn_stream_io_close(s->object);
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

// Whether somebody came.
static bool accept_one(server *here, size_t index) {
    int error;
    if (!has_room(here) || !xn_stream_io_is_readable(here->objects[index])) {
        return false;
    }
    mp_obj_t connection = xn_stream_io_accept(here->objects[index], &error);
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
    xn_stream_io_do_not_block(object);
    mp_load_method_maybe(object, MP_QSTR_accept, call);
    if (call[0] != MP_OBJ_NULL) {
        first = xn_stream_io_accept(object, &error);
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
    uint8_t chunk[XN_STREAM_IO_CHUNK];
    stream *s = here->on_line[line];
    int n = s->ended ? -1 : xn_stream_io_read(s->object, chunk);
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
