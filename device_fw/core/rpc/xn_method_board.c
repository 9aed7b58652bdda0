// The methods that work on the board itself.
#include "base/xn_error.h"
#include "link/xn_baud.h"
#include "rpc/xn_event.h"
#include "rpc/xn_method.h"
#include "rpc/xn_safe.h"
#include "rpc/xn_session.h"
#include "trust/xn_policy.h"

int xn_method_ping(xn_call *call, xn_msgpack_writer *out) {
    const uint8_t *value;
    uint32_t n;
    xn_call_any(call, &value, &n);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        xn_msgpack_put_raw(out, value, n);
    }
    return status;
}

int xn_method_reset(xn_call *call, xn_msgpack_writer *out) {
    bool safe = xn_call_bool_or(call, false);
    int status = xn_call_end(call);
    if (status == XN_OK && safe && xn_policy_locked()) {
        status = xn_error_plain(XN_E_LOCKED, "reset(true)");
    }
    if (status == XN_OK) {
        xn_safe_ask(safe ? XN_SAFE_ASKED : XN_SAFE_NOT);
        xn_session_reset_after_reply();
        xn_msgpack_put_nil(out);
    }
    return status;
}

int xn_method_baud(xn_call *call, xn_msgpack_writer *out) {
    uint32_t rate = xn_call_u32(call);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = xn_baud_ask(rate);
    }
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

int xn_method_events(xn_call *call, xn_msgpack_writer *out) {
    bool on = xn_call_bool_or(call, true);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        xn_event_want(on);
        xn_msgpack_put_nil(out);
    }
    return status;
}
