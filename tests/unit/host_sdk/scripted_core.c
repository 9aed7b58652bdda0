// The core as a process whose Python is played by the test, and which tells what it executes. Both
// go over the socket that XIPNET_SCRIPT_FD names, as messages of a head and bytes.
#define xn_method_find find_and_tell
#include "rpc/xn_server.c"
#undef xn_method_find

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "boards/host/host.h"
#include "boards/host/process.h"
#include "rpc/xn_event.h"

typedef struct head {
    uint32_t kind; // a letter
    uint32_t number;
    uint32_t size; // of the bytes that follow
} head;

const xn_method *xn_method_find(const char *name, uint32_t n);

static int script;
static const xn_method *found;

// ---- To the test --------------------------------------------------------------------------------

static void tell(char kind, uint32_t number, const void *bytes, uint32_t n) {
    const head h = {(uint32_t)kind, number, n};
    XN_HOST_CHECK(write(script, &h, sizeof(h)) == (ssize_t)sizeof(h));
    XN_HOST_CHECK(write(script, bytes, n) == (ssize_t)n);
}

static int tell_and_call(xn_call *call, xn_msgpack_writer *out) {
    xn_method_fn *method = found->call;
    tell('X', call->id, found->name, (uint32_t)strlen(found->name));
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

static void serve_python(const xn_lane_request *request) {
    tell('T', 0, request->text, request->text_bytes);
    tell((char)('0' + request->kind), request->id, request->params, request->params_bytes);
}

static void typed(uint8_t byte) {
    tell('K', byte, "", 0);
}

// ---- From the test ------------------------------------------------------------------------------

static void receive(void *to, uint32_t n) {
    if (n > 0 && recv(script, to, n, MSG_WAITALL) != (ssize_t)n) {
        _exit(0); // the test has ended
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

static void fail(uint32_t id, const uint8_t *code_and_texts) {
    const char *message = (const char *)code_and_texts + 4;
    int32_t code;
    memcpy(&code, code_and_texts, 4);
    xn_lane_error(id, code, message, message + strlen(message) + 1);
}

static void follow(void) {
    static uint8_t bytes[1 << 16];
    head h;
    uint32_t number;
    xn_port_boot boot;
    receive(&h, sizeof(h));
    XN_HOST_CHECK(h.size <= sizeof(bytes));
    receive(bytes, h.size);
    switch (h.kind) {
    case 'R': // result
        xn_lane_reply(h.number, bytes, h.size);
        break;
    case 'E': // error: code, message, detail
        fail(h.number, bytes);
        break;
    case 'N': // event: topic and value
        emit(bytes, h.size);
        break;
    case 'P': // print
        xn_link_send_text(bytes, h.size);
        break;
    case 'C': // so many microseconds pass at once
        memcpy(&xn_host.clock_skip_us, bytes, 8);
        break;
    case 'B': // restart
        memcpy(&boot, bytes, sizeof(boot));
        xn_process_restart(&boot);
    default: // tell when all before is done, and whether the host wants events
        tell('S', xn_event_next(&number), "", 0);
    }
}

int main(int argc, char **argv) {
    static xn_process_vm vm = {
        .version = "scripted", .serve = serve_python, .typed = typed, .fd_ready = follow};
    script = vm.fd = atoi(getenv("XIPNET_SCRIPT_FD"));
    tell('B', 0, "", 0);
    return xn_process_run(argc, argv, &vm);
}
