#include "rpc/xn_server.h"

#include <string.h>

#include "model/xn_active.h"
#include "link/xn_baud.h"
#include "base/xn_error.h"
#include "rpc/xn_methods.h"
#include "model/xn_pool.h"
#include "base/xn_port.h"
#include "base/xn_sha256.h"
#include "rpc/xn_vm.h"

// A host goes on 12 ids while one waits; of the others under way any may come after it, too.
#define CACHE_REPLIES (16u + 2u * XN_WINDOW)
#define CACHE_BYTES 192u

// The reply being written. It stays after it was sent, so that a repeated request finds it.
static struct {
    uint8_t bytes[XN_FRAME_MAX];
    uint32_t n; // 0: none stays
    uint32_t id;
} reply;

// The last replies that are short enough.
static struct {
    uint32_t id;
    uint32_t n; // 0: free
    uint8_t bytes[CACHE_BYTES];
} cache[CACHE_REPLIES];
static uint32_t cache_next;

static struct {
    bool is_open;
    uint32_t nonce;
} session;

static bool polling;       // the first frame is being handled
static uint32_t first_id;  // its request
static bool between_steps; // within serve_between_steps()
static bool resetting;
static bool wants_events;
static uint32_t events; // sent since they were asked for

const char *xn_server_vm_version = "";

// ---- Replies that were sent -------------------------------------------------------------------

static void forget_replies(void) {
    for (uint32_t i = 0; i < CACHE_REPLIES; i++) {
        cache[i].n = 0;
    }
    reply.n = 0;
}

void xn_server_open_session(uint32_t nonce) {
    if (!session.is_open || session.nonce != nonce) {
        session.is_open = true;
        session.nonce = nonce;
        wants_events = false;
        forget_replies();
        xn_methods_forget_upload();
        xn_methods_forget_run();
        xn_vm_forget();
    }
}

static void keep_reply(void) {
    if (reply.n <= CACHE_BYTES) {
        cache[cache_next].id = reply.id;
        cache[cache_next].n = reply.n;
        memcpy(cache[cache_next].bytes, reply.bytes, reply.n);
        cache_next = (cache_next + 1u) % CACHE_REPLIES;
    }
}

// Sends the stored reply to a request that came again; false: there is none.
static bool send_again(uint32_t id) {
    uint32_t n;
    const uint8_t *bytes = xn_vm_last_reply(id, &n);
    for (uint32_t i = 0; i < CACHE_REPLIES && bytes == NULL; i++) {
        if (cache[i].n > 0 && cache[i].id == id) {
            bytes = cache[i].bytes;
            n = cache[i].n;
        }
    }
    if (bytes == NULL && reply.n > 0 && reply.id == id) {
        bytes = reply.bytes;
        n = reply.n;
    }
    if (bytes != NULL) {
        xn_link_send_frame(bytes, n);
    }
    return bytes != NULL;
}

// ---- Writing replies --------------------------------------------------------------------------

// Begins [1, id, ..
static void begin_reply(xn_msgpack_writer *w, uint32_t id) {
    reply.n = 0;
    xn_msgpack_begin(w, reply.bytes, sizeof(reply.bytes));
    xn_msgpack_put_array(w, 4);
    xn_msgpack_put_uint(w, 1);
    xn_msgpack_put_uint(w, id);
}

static void begin_result(xn_msgpack_writer *w, uint32_t id) {
    begin_reply(w, id);
    xn_msgpack_put_nil(w);
}

// The end of a long detail says more than its start.
static void put_detail(xn_msgpack_writer *w, const char *detail) {
    if (detail == NULL) {
        xn_msgpack_put_nil(w);
        return;
    }
    uint32_t room = w->size - w->used - 6u; // head of the str, nil of the result
    uint32_t n = (uint32_t)strlen(detail);
    if (n > room) {
        detail += n - room;
        n = room;
        while (n > 0 && ((uint8_t)*detail & 0xC0u) == 0x80u) { // the rest of a UTF-8 character
            detail++;
            n--;
        }
    }
    xn_msgpack_put_str(w, detail, n);
}

static void write_error(uint32_t id, int code, const char *message, const char *detail) {
    xn_msgpack_writer w;
    uint32_t n = (uint32_t)strlen(message);
    begin_reply(&w, id);
    xn_msgpack_put_array(&w, 3);
    xn_msgpack_put_int(&w, code);
    xn_msgpack_put_str(&w, message, n < 512u ? n : 512u);
    put_detail(&w, detail);
    xn_msgpack_put_nil(&w);
    reply.id = id;
    reply.n = w.used;
}

static void write_status(uint32_t id, int code) {
    char message[XN_ERROR_TEXT_MAX];
    xn_error_text(code, message);
    write_error(id, code, message, NULL);
}

// Ends what begin_result() began. Another reply may have been written into the buffer since then,
// before this result's own bytes: its head, always of the same length, is written anew.
static void finish_result(xn_msgpack_writer *w, uint32_t id) {
    xn_msgpack_writer head;
    if (w->full) {
        write_status(id, xn_error_limit(XN_E_TOO_LONG, "more than", w->used, w->size));
        return;
    }
    begin_result(&head, id);
    reply.id = id;
    reply.n = w->used;
}

static void send_reply(void) {
    keep_reply();
    xn_link_send_frame(reply.bytes, reply.n);
}

// Tells that the board has started: then, and to whoever asks something before a session is open.
static void notify_boot(void) {
    uint8_t bytes[128];
    xn_msgpack_writer w;
    xn_msgpack_begin(&w, bytes, sizeof(bytes));
    xn_msgpack_put_array(&w, 3);
    xn_msgpack_put_uint(&w, 2);
    xn_msgpack_put_text(&w, "boot");
    xn_msgpack_put_array(&w, 1);
    xn_methods_put_boot(&w);
    xn_link_send_frame(bytes, w.used);
}

// ---- Requests ---------------------------------------------------------------------------------

// Calls the method; true: the reply is written.
static bool dispatch(xn_call *call) {
    xn_msgpack_writer out;
    const xn_method *method = xn_methods_find(call->method, call->method_bytes);
    int status = XN_E_METHOD;
    begin_result(&out, call->id);
    if (method != NULL) {
        status = method->call(call, &out);
    }
    if (status == XN_METHOD_LATER) {
        return false;
    }
    if (status < 0) {
        write_status(call->id, status);
    } else {
        finish_result(&out, call->id);
    }
    return true;
}

static bool is_hello(const xn_call *call) {
    return call->method_bytes == 5 && memcmp(call->method, "hello", 5) == 0;
}

// A slot is given back before its reply leaves: the host may fill it as soon as the reply is there.
static void handle(uint32_t index, xn_call *call) {
    if (!is_hello(call)) {
        if (!session.is_open) { // whether it was executed before the restart, nobody knows
            xn_link_frame_done(index);
            notify_boot();
            return;
        }
        bool in_work = xn_vm_works_on(call->id);
        if (in_work || send_again(call->id)) {
            xn_link_frame_done(index);
            return;
        }
    }
    bool written = dispatch(call);
    xn_link_frame_done(index);
    if (written) {
        send_reply();
    }
}

static void refuse(uint32_t index, const xn_call *call, bool has_id) {
    xn_link_frame_done(index);
    if (has_id) {
        write_status(call->id, XN_E_MSGPACK);
        xn_link_send_frame(reply.bytes, reply.n);
        reply.n = 0;
    }
}

static void handle_first(const uint8_t *body, uint32_t n) {
    xn_call call;
    bool has_id;
    if (xn_call_read(&call, body, n, &has_id) == XN_OK) {
        first_id = call.id;
        handle(0, &call);
    } else {
        refuse(0, &call, has_id);
    }
}

// What the active model may answer while another one takes its place.
static bool is_served(const xn_method *method) {
    bool runs = method->call == xn_method_run || method->call == xn_method_in_write ||
                method->call == xn_method_out_read || method->call == xn_method_model;
    return method->anytime || (runs && xn_active_serves());
}

// While a model runs: answers what needs neither the model nor the store, in the order of arrival;
// the first other request makes the rest wait. While a model is replaced the old one goes on.
static void serve_between_steps(void) {
    uint32_t index = polling ? 1 : 0; // the first may be the one that runs the model
    if (between_steps) {
        return;
    }
    between_steps = true;
    (void)xn_active_serves(); // counts the pause
    while (index < xn_link_frames()) {
        xn_call call;
        bool has_id;
        uint32_t n;
        const uint8_t *body = xn_link_frame(index, &n);
        if (body == NULL) {
            index++;
            continue;
        }
        if (xn_call_read(&call, body, n, &has_id) != XN_OK) {
            break;
        }
        if (polling &&
            call.id == first_id) { // repeated: the host does not know that it is under way
            xn_link_frame_done(index);
            continue;
        }
        const xn_method *method = xn_methods_find(call.method, call.method_bytes);
        if (method == NULL || !is_served(method)) {
            break;
        }
        handle(index, &call);
    }
    between_steps = false;
}

// ---- For the board and the VM -----------------------------------------------------------------

void xn_server_init(void) {
    xn_link_init();
    xn_pool_init();
    xn_store_in_use = xn_runner_uses;
    xn_runner_between_steps = serve_between_steps;
    xn_sha256_pause = serve_between_steps;
    session.is_open = false;
    polling = between_steps = resetting = wants_events = false;
    forget_replies();
    xn_baud_init();
    xn_vm_init();
    // An unreadable store, or a model that cannot be opened, shows itself at the first request.
    if (xn_store_mount() == XN_OK) {
        (void)xn_active_init();
    }
    notify_boot();
}

int xn_method_events(xn_call *call, xn_msgpack_writer *out) {
    bool on = xn_call_bool_or(call, true);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        wants_events = on;
        events = 0;
        xn_msgpack_put_nil(out);
    }
    return status;
}

bool xn_server_next_event(uint32_t *number) {
    *number = events;
    return wants_events;
}

void xn_server_send_event(const uint8_t *message, uint32_t n) {
    events++;
    xn_link_send_frame(message, n);
}

void xn_server_reset_after_reply(void) {
    resetting = true;
}

bool xn_server_pending(void) {
    return xn_link_frames() > 0 || xn_link_in_frame() || xn_active_due() || xn_baud_on_trial();
}

void xn_server_poll(void) {
    uint32_t n;
    const uint8_t *body;
    if (polling || between_steps) {
        return;
    }
    polling = true;
    xn_link_expire();
    xn_active_poll();
    while (!resetting && (body = xn_link_frame(0, &n)) != NULL) {
        handle_first(body, n);
        xn_active_poll(); // a model that faulted on trial does not serve the next request
    }
    xn_baud_poll();
    polling = false;
    if (resetting) {
        resetting = false;
        xn_port_reset();
    }
}

void xn_server_vm_reply(uint32_t id, const uint8_t *result, uint32_t n) {
    xn_msgpack_writer w;
    if (!xn_vm_finish(id)) {
        return;
    }
    begin_result(&w, id);
    xn_msgpack_put_raw(&w, result, n);
    finish_result(&w, id);
    xn_vm_keep_reply(id, reply.bytes, reply.n);
    send_reply();
}

void xn_server_vm_error(uint32_t id, int code, const char *message, const char *detail) {
    if (!xn_vm_finish(id)) {
        return;
    }
    write_error(id, code, message, detail);
    xn_vm_keep_reply(id, reply.bytes, reply.n);
    send_reply();
}
