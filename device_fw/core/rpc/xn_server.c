#include "rpc/xn_server.h"

#include "base/xn_busy.h"
#include "base/xn_bytes.h"
#include "base/xn_sha256.h"
#include "base/xn_status.h"
#include "link/xn_baud.h"
#include "link/xn_link.h"
#include "model/xn_active.h"
#include "model/xn_pool.h"
#include "rpc/xn_lane.h"
#include "rpc/xn_method.h"
#include "rpc/xn_reply.h"
#include "rpc/xn_session.h"
#include "store/xn_extent.h"
#include "store/xn_store.h"
#include "trust/xn_device.h"

static bool polling;      // the first frame is being handled
static uint32_t first_id; // its request
static uint32_t first_session;
static bool between_steps; // within serve_between_steps()
static uint32_t at_work;   // frames at the front that are being handled

// Sends the kept reply to a request that came again; false: there is none.
static bool send_again(uint32_t id) {
    uint32_t n;
    const uint8_t *bytes = xn_lane_last_reply(id, &n);
    if (bytes == NULL) {
        bytes = xn_reply_find(id, &n);
    }
    if (bytes != NULL) {
        xn_link_send_frame(bytes, n);
    }
    return bytes != NULL;
}

// Calls the method (NULL: there is none); true: the reply is written.
static bool dispatch(const xn_method *method, xn_call *call) {
    xn_msgpack_writer out;
    xn_reply_begin(&out, call->id);
    int status = method == NULL ? XN_E_METHOD : xn_method_check(method);
    status = status == XN_OK ? method->call(call, &out) : status;
    if (status == XN_METHOD_LATER) {
        return false;
    }
    if (status < 0) {
        xn_reply_status(call->id, status);
    } else {
        xn_reply_finish(&out, call->id);
    }
    return true;
}

static const xn_method *method_of(const xn_call *call) {
    return xn_method_find(call->method, call->method_bytes);
}

// A slot is given back before its reply leaves: the host may fill it as soon as the reply is there.
static void handle(uint32_t index, const xn_method *method, xn_call *call) {
    if (method == NULL || !(method->flags & XN_METHOD_OPENS)) {
        if (!xn_session_is_open()) { // nobody knows whether it was executed before the restart
            xn_link_frame_done(index);
            xn_session_notify_boot();
            return;
        }
        if (xn_lane_works_on(call->id) || send_again(call->id)) {
            xn_link_frame_done(index);
            return;
        }
    }
    uint32_t session = xn_session_number();
    bool written = dispatch(method, call);
    xn_link_frame_done(index);
    // A session that came in between waits for no reply of the one before.
    if (written && (session == xn_session_number() || (method->flags & XN_METHOD_OPENS))) {
        xn_reply_send();
    }
}

static void handle_first(const uint8_t *body, uint32_t n) {
    xn_call call;
    bool has_id;
    if (xn_call_read(&call, body, n, &has_id) == XN_OK) {
        first_id = call.id;
        first_session = xn_session_number();
        handle(0, method_of(&call), &call);
        return;
    }
    xn_link_frame_done(0);
    if (has_id) {
        xn_reply_refuse(call.id, XN_E_MSGPACK);
    }
}

static bool is_served(const xn_method *method) {
    return method != NULL && ((method->flags & (XN_METHOD_ANYTIME | XN_METHOD_URGENT)) ||
                              ((method->flags & XN_METHOD_ACTIVE) && xn_active_serves()));
}

// A request may be repeated while it is under way: the host does not know that it is.
static bool is_under_way(const xn_method *method, const xn_call *call) {
    return polling && call->id == first_id && xn_session_number() == first_session &&
           (method == NULL || !(method->flags & XN_METHOD_OPENS));
}

// Whether the same request waits before: its host has heard nothing of it, and sent it again.
static bool waits_before(uint32_t index, const xn_call *call) {
    for (uint32_t i = at_work; i < index; i++) {
        xn_call other;
        bool has_id;
        uint32_t n;
        const uint8_t *body = xn_link_frame(i, &n);
        if (body != NULL && xn_link_frame_line(i) == xn_link_line &&
            xn_call_read(&other, body, n, &has_id) == XN_OK && other.id == call->id) {
            return true;
        }
    }
    return false;
}

// Handles a frame behind those at work. A new session ends what came before it on its line.
static void handle_behind(uint32_t index, const xn_method *method, xn_call *call) {
    uint32_t outer = at_work;
    uint32_t session = xn_session_number();
    at_work = index + 1u;
    handle(index, method, call);
    at_work = outer;
    while (session != xn_session_number() && index-- > outer) { // from behind: none moves up
        if (xn_link_frame_line(index) == xn_link_line) {
            xn_link_frame_done(index);
        }
    }
}

// Answers what need not wait: urgent requests, and if `in_order` those that may be served now,
// until the first that may not.
static void serve_lines(bool in_order) {
    uint32_t index = at_work;
    while (index < xn_link_frames() && !xn_session_is_ending()) {
        xn_call call;
        bool has_id;
        uint32_t n;
        const uint8_t *body = xn_link_frame(index, &n);
        xn_link_line = xn_link_frame_line(index);
        if (body == NULL || xn_call_read(&call, body, n, &has_id) != XN_OK) {
            in_order = in_order && body == NULL;
            index++;
            continue;
        }
        const xn_method *method = method_of(&call);
        if (is_under_way(method, &call)) {
            xn_link_frame_done(index);
            continue;
        }
        in_order = in_order && is_served(method);
        if (in_order || (method != NULL && (method->flags & XN_METHOD_URGENT))) {
            handle_behind(index, method, &call);
        } else if (waits_before(index, &call)) {
            xn_link_frame_done(index);
        } else {
            index++;
        }
    }
}

static void serve(bool in_order) {
    uint32_t outer = xn_link_line, beneath = xn_session_beneath;
    xn_session_beneath = at_work > 0 || xn_lane_at_work() ? outer : XN_SESSION_NONE;
    serve_lines(in_order);
    xn_session_beneath = beneath;
    xn_link_line = outer;
    if (xn_session_is_ending()) {
        xn_session_end();
    }
}

// While a model runs. One that is being replaced goes on serving.
static void serve_between_steps(void) {
    if (between_steps) {
        return;
    }
    xn_busy_begin(); // Python may have asked for a digest
    between_steps = true;
    (void)xn_active_serves(); // counts the pause
    serve(true);
    between_steps = false;
    xn_busy_end();
}

bool xn_server_attend(bool in_step) {
    if (in_step || !xn_busy_now() || xn_busy_apart()) {
        serve(false);
    }
    return xn_link_frames() > 0;
}

// ---- For the board and the VM -----------------------------------------------------------------

// The board's own key is made when it first starts, if its chip has a source for it.
static void make_device_key(void) {
#if XN_LOCKABLE
    xn_device_key key;
    if (xn_device_now() == NULL && xn_device_make(NULL, &key) == XN_OK) {
        (void)xn_store_keep_device(&key);
        xn_bytes_wipe(&key, sizeof(key));
    }
#endif
}

void xn_server_init(void) {
    xn_pool_init();
    xn_extent_in_use = xn_runner_uses;
    polling = between_steps = false;
    at_work = 0;
    xn_session_init();
    xn_baud_init();
    xn_lane_init();
    // An unreadable store, or a model that cannot be opened, shows itself at the first request.
    if (xn_store_mount() == XN_OK) {
        make_device_key();
        (void)xn_active_init();
    }
    xn_session_notify_boot();
    // From now on: nobody may be answered before the start is told.
    xn_runner_between_steps = serve_between_steps;
    xn_busy_pause = serve_between_steps;
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
    xn_busy_begin(); // first and last: the thread may be given up at any instruction outside
    polling = true;
    xn_link_expire();
    xn_active_poll();
    uint32_t outer = xn_link_line, beneath = xn_session_beneath;
    xn_session_beneath = outer;
    while (!xn_session_is_ending() && (body = xn_link_frame(0, &n)) != NULL) {
        at_work = 1;
        xn_link_line = xn_link_frame_line(0);
        handle_first(body, n);
        at_work = 0;
        xn_active_poll(); // a model that faulted on trial does not serve the next request
    }
    xn_session_beneath = beneath;
    xn_link_line = outer;
    xn_baud_poll();
    polling = false;
    xn_busy_end();
    if (xn_session_is_ending()) {
        xn_session_end();
    }
}
