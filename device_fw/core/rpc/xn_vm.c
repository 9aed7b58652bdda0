#include "rpc/xn_vm.h"

#include <string.h>

#include "base/xn_error.h"
#include "rpc/xn_methods.h"
#include "rpc/xn_server.h"

enum state { IDLE, WAITING, TAKEN };

// Sources and calls each have a lane: a function can be called while a source is at work. A lane
// keeps its last reply until its next request.
typedef struct lane {
    enum state state;
    bool forgotten; // taken in an earlier session
    xn_vm_request request;
    uint8_t bytes[XN_FRAME_MAX]; // the request's text and parameters, then its reply
    uint32_t reply_bytes;        // 0: no reply is kept
} lane;

#define LANES 2u
static lane lanes[LANES];

void (*xn_server_on_interrupt)(void);

static lane *lane_for(enum xn_vm_kind kind) {
    return &lanes[kind == XN_VM_CALL || kind == XN_VM_LIST];
}

// The lane whose last request has that id, or NULL.
static lane *lane_of(uint32_t id) {
    for (uint32_t i = 0; i < LANES; i++) {
        if (lanes[i].request.id == id && (lanes[i].state != IDLE || lanes[i].reply_bytes > 0)) {
            return &lanes[i];
        }
    }
    return NULL;
}

void xn_vm_init(void) {
    for (uint32_t i = 0; i < LANES; i++) {
        lanes[i].state = IDLE;
        lanes[i].reply_bytes = 0;
    }
}

// ---- Requests ---------------------------------------------------------------------------------

// Text and parameters are parts of one frame: they fit.
static int queue(uint32_t id, enum xn_vm_kind kind, const char *text, uint32_t text_bytes,
                 const uint8_t *params, uint32_t params_bytes) {
    lane *to = lane_for(kind);
    if (xn_server_vm_version[0] == 0) {
        return XN_E_METHOD; // there is no VM
    }
    const lane *same = lane_of(id); // of an earlier session, still at work
    if (to->state != IDLE || (same != NULL && same->state != IDLE)) {
        return XN_E_BUSY;
    }
    memcpy(to->bytes, text, text_bytes);
    if (params_bytes > 0) {
        memcpy(to->bytes + text_bytes, params, params_bytes);
    }
    to->reply_bytes = 0;
    to->request.id = id;
    to->request.kind = kind;
    to->request.text = (const char *)to->bytes;
    to->request.text_bytes = text_bytes;
    to->request.params = to->bytes + text_bytes;
    to->request.params_bytes = params_bytes;
    to->forgotten = false;
    to->state = WAITING;
    return XN_METHOD_LATER;
}

static int queue_source(xn_call *call, enum xn_vm_kind kind) {
    uint32_t n;
    const char *source = xn_call_str(call, &n);
    int status = xn_call_end(call);
    return status != XN_OK ? status : queue(call->id, kind, source, n, NULL, 0);
}

int xn_method_exec(xn_call *call, xn_msgpack_writer *out) {
    (void)out;
    return queue_source(call, XN_VM_EXEC);
}

int xn_method_eval(xn_call *call, xn_msgpack_writer *out) {
    (void)out;
    return queue_source(call, XN_VM_EVAL);
}

// The next parameter, which must be of that type.
static const uint8_t *take_any(xn_call *call, enum xn_msgpack_type type, uint32_t *n) {
    const uint8_t *bytes;
    xn_msgpack_value v;
    xn_call_any(call, &bytes, n);
    xn_reader r = xn_reader_of(bytes, *n);
    if (*n > 0 && (xn_msgpack_read(&r, &v) != XN_OK || v.type != type)) {
        call->failed = true;
    }
    return bytes;
}

int xn_method_call(xn_call *call, xn_msgpack_writer *out) {
    uint32_t n;
    uint32_t args_bytes;
    uint32_t kwargs_bytes;
    (void)out;
    const char *name = xn_call_str(call, &n);
    const uint8_t *args = take_any(call, XN_MSGPACK_ARRAY, &args_bytes);
    (void)take_any(call, XN_MSGPACK_MAP, &kwargs_bytes); // it follows at once
    int status = xn_call_end(call);
    return status != XN_OK ? status
                           : queue(call->id, XN_VM_CALL, name, n, args, args_bytes + kwargs_bytes);
}

int xn_method_rpc_list(xn_call *call, xn_msgpack_writer *out) {
    uint8_t bytes[5];
    xn_msgpack_writer w;
    (void)out;
    xn_msgpack_begin(&w, bytes, sizeof(bytes));
    xn_msgpack_put_uint(&w, xn_call_u32_or(call, 0));
    int status = xn_call_end(call);
    return status != XN_OK ? status : queue(call->id, XN_VM_LIST, "", 0, bytes, w.used);
}

int xn_method_interrupt(xn_call *call, xn_msgpack_writer *out) {
    int status = xn_call_end(call);
    if (status == XN_OK) {
        if (xn_server_on_interrupt != NULL) {
            xn_server_on_interrupt();
        }
        xn_msgpack_put_nil(out);
    }
    return status;
}

bool xn_server_vm_waiting(void) {
    return lanes[0].state == WAITING || lanes[1].state == WAITING;
}

const xn_vm_request *xn_server_vm_take(void) {
    for (uint32_t i = 0; i < LANES; i++) {
        if (lanes[i].state == WAITING) {
            lanes[i].state = TAKEN;
            return &lanes[i].request;
        }
    }
    return NULL;
}

bool xn_vm_works_on(uint32_t id) {
    const lane *of = lane_of(id);
    return of != NULL && of->state != IDLE && !of->forgotten;
}

// ---- Replies ----------------------------------------------------------------------------------

void xn_vm_forget(void) {
    for (uint32_t i = 0; i < LANES; i++) {
        if (lanes[i].state == WAITING) {
            lanes[i].state = IDLE;
        }
        lanes[i].forgotten = true;
        lanes[i].reply_bytes = 0;
    }
}

bool xn_vm_finish(uint32_t id) {
    lane *of = lane_of(id);
    if (of == NULL || of->state != TAKEN) {
        return false;
    }
    of->state = IDLE;
    return !of->forgotten;
}

void xn_vm_keep_reply(uint32_t id, const uint8_t *bytes, uint32_t n) {
    // Its lane still holds the id: nothing was queued since xn_vm_finish().
    lane *of = &lanes[lanes[0].request.id != id];
    of->reply_bytes = n;
    memcpy(of->bytes, bytes, n);
}

const uint8_t *xn_vm_last_reply(uint32_t id, uint32_t *n) {
    const lane *of = lane_of(id);
    if (of == NULL || of->state != IDLE || of->reply_bytes == 0) {
        return NULL;
    }
    *n = of->reply_bytes;
    return of->bytes;
}
