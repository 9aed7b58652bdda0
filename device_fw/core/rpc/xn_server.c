#include "rpc/xn_server.h"

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

static bool polling;       // the first frame is being handled
static uint32_t first_id;  // its request
static bool between_steps; // within serve_between_steps()

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
    int status = method == NULL ? XN_E_METHOD : method->call(call, &out);
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
    bool written = dispatch(method, call);
    xn_link_frame_done(index);
    if (written) {
        xn_reply_send();
    }
}

static void handle_first(const uint8_t *body, uint32_t n) {
    xn_call call;
    bool has_id;
    if (xn_call_read(&call, body, n, &has_id) == XN_OK) {
        first_id = call.id;
        handle(0, method_of(&call), &call);
        return;
    }
    xn_link_frame_done(0);
    if (has_id) {
        xn_reply_refuse(call.id, XN_E_MSGPACK);
    }
}

static bool is_served(const xn_method *method) {
    return method != NULL && ((method->flags & XN_METHOD_ANYTIME) ||
                              ((method->flags & XN_METHOD_ACTIVE) && xn_active_serves()));
}

// While a model runs: answers requests that need neither the model nor the store, in the order of
// arrival; the first other request makes the rest wait. A model that is being replaced goes on
// serving.
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
        const xn_method *method = method_of(&call);
        if (!is_served(method)) {
            break;
        }
        handle(index, method, &call);
    }
    between_steps = false;
}

// ---- For the board and the VM -----------------------------------------------------------------

void xn_server_init(void) {
    xn_link_init();
    xn_pool_init();
    xn_extent_in_use = xn_runner_uses;
    xn_runner_between_steps = serve_between_steps;
    xn_sha256_pause = serve_between_steps;
    polling = between_steps = false;
    xn_session_init();
    xn_baud_init();
    xn_lane_init();
    // An unreadable store, or a model that cannot be opened, shows itself at the first request.
    if (xn_store_mount() == XN_OK) {
        (void)xn_active_init();
    }
    xn_session_notify_boot();
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
    while (!xn_session_is_ending() && (body = xn_link_frame(0, &n)) != NULL) {
        handle_first(body, n);
        xn_active_poll(); // a model that faulted on trial does not serve the next request
    }
    xn_baud_poll();
    polling = false;
    if (xn_session_is_ending()) {
        xn_session_end();
    }
}
