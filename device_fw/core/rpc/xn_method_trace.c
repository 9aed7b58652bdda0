// The methods of SPEC-wire that look into a run: single steps, and the arena between them.
#include "base/xn_error.h"
#include "model/xn_active.h"
#include "rpc/xn_method.h"

int xn_method_run_steps(xn_call *call, xn_msgpack_writer *out) {
    uint32_t entry = xn_call_u32(call);
    uint32_t first = xn_call_u32(call);
    uint32_t count = xn_call_u32(call);
    int status = xn_call_end(call);
    xn_runner_model *model = xn_active_model(NULL);
    if (status == XN_OK && model == NULL) {
        status = xn_active_why_none();
    }
    if (status == XN_OK) {
        status = xn_runner_run_range(model, entry, first, count, NULL);
    }
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

int xn_method_arena_read(xn_call *call, xn_msgpack_writer *out) {
    uint32_t offset = xn_call_u32(call);
    uint32_t n = xn_call_u32(call);
    int status = xn_call_end(call);
    if (status != XN_OK) {
        return status;
    }
    const xn_runner_model *model = xn_active_model(NULL);
    if (model == NULL) {
        return xn_active_why_none();
    }
    const uint8_t *bytes = xn_runner_arena(model, offset, n);
    if (bytes == NULL) {
        uint32_t size = model->program.variant->arena_bytes;
        return xn_error_limit(XN_E_RANGE, offset > size ? "offset" : "size",
                              offset > size ? offset : n, size);
    }
    xn_msgpack_put_bin(out, bytes, n);
    return XN_OK;
}
