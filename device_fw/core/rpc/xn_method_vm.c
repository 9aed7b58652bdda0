// The methods that the VM answers, later.
#include <stddef.h>

#include "base/xn_msgpack.h"
#include "base/xn_status.h"
#include "model/xn_runner.h"
#include "rpc/xn_lane.h"
#include "rpc/xn_method.h"

static int queue(const xn_lane_request *request) {
    int status = xn_lane_queue(request);
    return status == XN_OK ? XN_METHOD_LATER : status;
}

static int queue_source(xn_call *call, enum xn_lane_kind kind) {
    xn_lane_request request = {.id = call->id, .kind = kind};
    request.text = xn_call_str(call, &request.text_bytes);
    int status = xn_call_end(call);
    return status != XN_OK ? status : queue(&request);
}

int xn_method_exec(xn_call *call, xn_msgpack_writer *out) {
    (void)out;
    return queue_source(call, XN_LANE_EXEC);
}

int xn_method_eval(xn_call *call, xn_msgpack_writer *out) {
    (void)out;
    return queue_source(call, XN_LANE_EVAL);
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
    xn_lane_request request = {.id = call->id, .kind = XN_LANE_CALL};
    uint32_t args_bytes;
    uint32_t kwargs_bytes;
    (void)out;
    request.text = xn_call_str(call, &request.text_bytes);
    request.params = take_any(call, XN_MSGPACK_ARRAY, &args_bytes);
    (void)take_any(call, XN_MSGPACK_MAP, &kwargs_bytes); // it follows at once
    request.params_bytes = args_bytes + kwargs_bytes;
    int status = xn_call_end(call);
    return status != XN_OK ? status : queue(&request);
}

int xn_method_rpc_list(xn_call *call, xn_msgpack_writer *out) {
    uint8_t bytes[5];
    xn_msgpack_writer w;
    (void)out;
    xn_msgpack_begin(&w, bytes, sizeof(bytes));
    xn_msgpack_put_uint(&w, xn_call_u32_or(call, 0));
    xn_lane_request request = {
        .id = call->id,
        .kind = XN_LANE_LIST,
        .text = "",
        .params = bytes,
        .params_bytes = w.used,
    };
    int status = xn_call_end(call);
    return status != XN_OK ? status : queue(&request);
}

int xn_method_interrupt(xn_call *call, xn_msgpack_writer *out) {
    int status = xn_call_end(call);
    if (status == XN_OK) {
        xn_runner_stop();
        if (xn_lane_on_interrupt != NULL) {
            xn_lane_on_interrupt();
        }
        xn_msgpack_put_nil(out);
    }
    return status;
}
