#include "rpc/xn_run.h"

#include <stddef.h>

#include "base/xn_crc32.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "link/xn_link.h"
#include "rpc/xn_call.h"

#define PROFILE_STEPS 512u // steps that run() can time

static uint32_t step_us[PROFILE_STEPS];

// The last run. Its reply may be too long for the server to keep; a repeated request gets it
// written again, but the model is not run again: the inputs may be gone.
static struct {
    bool known; // in this session
    bool profile;
    uint32_t line; // of the host
    uint32_t id, at, us;
} last;

void xn_run_forget(void) {
    if (last.line == xn_link_line) {
        last.known = false;
    }
}

bool xn_run_is_there(const xn_runner_model *model, uint32_t id) {
    return last.known && last.line == xn_link_line && last.id == id && model->entry >= 0;
}

int xn_run_check_inputs(const xn_runner_model *model, uint32_t id, uint32_t wanted) {
    uint32_t crc = XN_CRC32_INIT;
    if (wanted == 0) {
        bool in_between = last.line != xn_link_line || (int32_t)(id - last.id) <= 0;
        return last.known && in_between ? XN_E_CHECK : XN_OK;
    }
    for (uint32_t i = 0; i < model->program.header->input_count; i++) {
        uint32_t n;
        const uint8_t *bytes = xn_runner_input(model, i, &n);
        crc = xn_crc32_update(crc, bytes, n);
    }
    return ~crc == wanted ? XN_OK : XN_E_CHECK;
}

int xn_run(xn_runner_model *model, uint32_t id, uint32_t entry, bool profile) {
    uint32_t steps = xn_runner_steps(model, entry);
    if (profile && steps > PROFILE_STEPS) {
        return xn_error_limit(XN_E_TOO_LONG, "steps", steps, PROFILE_STEPS);
    }
    uint64_t start = xn_port_time_us();
    int status = xn_runner_run(model, entry, profile ? step_us : NULL);
    if (status == XN_OK) {
        last.known = true;
        last.profile = profile;
        last.line = xn_link_line;
        last.id = id;
        last.at = (uint32_t)start;
        last.us = (uint32_t)(xn_port_time_us() - start);
    }
    return status;
}

static void put_steps(xn_msgpack_writer *out, const xn_runner_model *model) {
    xn_msgpack_put_text(out, "steps");
    if (!last.profile) {
        xn_msgpack_put_nil(out);
        return;
    }
    uint32_t steps = xn_runner_steps(model, (uint32_t)model->entry);
    xn_msgpack_put_array(out, steps);
    for (uint32_t i = 0; i < steps; i++) {
        xn_msgpack_put_uint(out, step_us[i]);
    }
}

int xn_run_put_bytes(xn_msgpack_writer *out, const xn_runner_model *model, uint32_t offset,
                     uint32_t n) {
    uint8_t *to = xn_msgpack_put_bin_space(out, n);
    if (to == NULL) {
        return XN_E_TOO_LONG;
    }
    int32_t copied = xn_runner_read(model, offset, to, n);
    return copied < 0 ? copied : XN_OK;
}

int xn_run_put_last(xn_msgpack_writer *out, const xn_runner_model *model) {
    uint32_t size = xn_runner_result_bytes(model);
    xn_msgpack_put_map(out, 5);
    xn_call_put_u32(out, "at", last.at);
    xn_call_put_u32(out, "us", last.us);
    xn_call_put_u32(out, "size", size);
    put_steps(out, model);
    xn_msgpack_put_text(out, "result");
    if (!out->full && size > out->size - out->used - 5u) {
        xn_msgpack_put_nil(out);
        return XN_OK;
    }
    return xn_run_put_bytes(out, model, 0, size);
}
