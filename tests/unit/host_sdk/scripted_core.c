// The core as a process whose Python is played by the test, and which tells what it executes. Both
// go over the descriptor that XIPNET_SCRIPT_FD names: to the test a 32-bit length and a MessagePack
// array; from it a letter, a 32-bit length and bytes.
#define xn_method_find find_and_tell
#include "rpc/xn_server.c"
#undef xn_method_find

#include <stdlib.h>
#include <unistd.h>

#include "boards/host/host.h"
#include "boards/host/process.h"
#include "rpc/xn_event.h"

const xn_method *xn_method_find(const char *name, uint32_t n);

static int script;
static uint8_t note[2 * XN_FRAME_MAX];
static const xn_method *found;

static void begin_note(xn_msgpack_writer *w, const char *what, uint32_t parts) {
    xn_msgpack_begin(w, note + 4, sizeof(note) - 4);
    xn_msgpack_put_array(w, parts + 1);
    xn_msgpack_put_text(w, what);
}

static void send_note(const xn_msgpack_writer *w) {
    memcpy(note, &w->used, 4);
    XN_HOST_CHECK(write(script, note, w->used + 4) == (ssize_t)(w->used + 4));
}

// ---- What is executed ---------------------------------------------------------------------------

static int tell_and_call(xn_call *call, xn_msgpack_writer *out) {
    xn_method_fn *method = found->call;
    xn_msgpack_writer w;
    begin_note(&w, "executed", 2);
    xn_msgpack_put_uint(&w, call->id);
    xn_msgpack_put_text(&w, found->name);
    send_note(&w);
    return method(call, out);
}

const xn_method *find_and_tell(const char *name, uint32_t n) {
    static xn_method told;
    found = xn_method_find(name, n);
    if (found == NULL) {
        return NULL;
    }
    told = *found;
    told.call = tell_and_call;
    return &told;
}

// ---- To the test --------------------------------------------------------------------------------

static void serve(const xn_lane_request *request) {
    xn_msgpack_writer w;
    begin_note(&w, "python", 4);
    xn_msgpack_put_uint(&w, request->kind);
    xn_msgpack_put_uint(&w, request->id);
    xn_msgpack_put_bin(&w, (const uint8_t *)request->text, request->text_bytes);
    xn_msgpack_put_bin(&w, request->params, request->params_bytes);
    send_note(&w);
}

static void typed(uint8_t byte) {
    xn_msgpack_writer w;
    begin_note(&w, "typed", 1);
    xn_msgpack_put_uint(&w, byte);
    send_note(&w);
}

static void tell(const char *what, uint32_t value) {
    xn_msgpack_writer w;
    begin_note(&w, what, 1);
    xn_msgpack_put_uint(&w, value);
    send_note(&w);
}

// ---- From the test ------------------------------------------------------------------------------

static void read_all(void *to, size_t n) {
    uint8_t *p = to;
    while (n > 0) {
        ssize_t got = read(script, p, n);
        if (got <= 0) {
            _exit(0);
        }
        p += got;
        n -= (size_t)got;
    }
}

static void emit(const uint8_t *topic_and_value, uint32_t n) {
    static uint8_t message[XN_FRAME_MAX];
    uint32_t number;
    xn_msgpack_writer w;
    if (!xn_event_next(&number)) {
        return;
    }
    xn_msgpack_begin(&w, message, sizeof(message));
    xn_msgpack_put_array(&w, 3);
    xn_msgpack_put_uint(&w, 2);
    xn_msgpack_put_text(&w, "event");
    xn_msgpack_put_array(&w, 3);
    xn_msgpack_put_uint(&w, number);
    xn_msgpack_put_raw(&w, topic_and_value, n);
    xn_event_send(message, w.used);
}

static void fail(const uint8_t *bytes) {
    int32_t id_and_code[2];
    memcpy(id_and_code, bytes, sizeof(id_and_code));
    const char *message = (const char *)bytes + sizeof(id_and_code);
    xn_lane_error((uint32_t)id_and_code[0], id_and_code[1], message, message + strlen(message) + 1);
}

static void follow(void) {
    static uint8_t bytes[1 << 16];
    uint8_t letter;
    uint32_t n, id, number;
    xn_port_boot boot;
    read_all(&letter, 1);
    read_all(&n, 4);
    XN_HOST_CHECK(n <= sizeof(bytes));
    read_all(bytes, n);
    switch (letter) {
    case 'R': // result: id, MessagePack
        memcpy(&id, bytes, 4);
        xn_lane_reply(id, bytes + 4, n - 4);
        break;
    case 'E': // error: id, code, message, detail
        fail(bytes);
        break;
    case 'N': // event: topic and value
        emit(bytes, n);
        break;
    case 'P': // print
        xn_link_send_text(bytes, n);
        break;
    case 'C': // so many microseconds pass at once
        memcpy(&xn_host.clock_skip_us, bytes, 8);
        break;
    case 'B': // restart
        memcpy(&boot, bytes, sizeof(boot));
        xn_process_restart(&boot);
    default: // tell when all before is done
        tell("synced", xn_event_next(&number));
    }
}

int main(int argc, char **argv) {
    static xn_process_vm vm = {
        .version = "scripted", .serve = serve, .typed = typed, .fd_ready = follow};
    script = vm.fd = atoi(getenv("XIPNET_SCRIPT_FD"));
    tell("booted", 0);
    return xn_process_run(argc, argv, &vm);
}
