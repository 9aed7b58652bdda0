// The methods of SPEC-wire that work with the active model.
#include <string.h>

#include "model/xn_active.h"
#include "base/xn_crc32.h"
#include "base/xn_error.h"
#include "rpc/xn_methods.h"
#include "base/xn_port.h"
#include "model/xn_unpack.h"

#define PROFILE_STEPS 512u // steps that run() can time

static uint32_t step_us[PROFILE_STEPS];

// The last run. Its reply may be too long for the server to keep, and nothing but the answer to its
// request may be run twice: the inputs may be gone.
static struct {
    bool known; // in this session
    bool profile;
    uint32_t id, at, us;
} last;

void xn_methods_forget_run(void) {
    last.known = false;
}

// Whether the result of that run lies where it was left.
static bool is_there(const xn_model *model, uint32_t id) {
    return last.known && last.id == id && model->entry >= 0;
}

static int active(xn_model **model) {
    *model = xn_active_model(NULL);
    return *model == NULL ? XN_E_NO_MODEL : XN_OK;
}

// ---- model ------------------------------------------------------------------------------------

static void put_sizes(xn_msgpack_writer *out, const char *key, const xn_blob_io *io,
                      uint32_t count) {
    xn_msgpack_put_text(out, key);
    xn_msgpack_put_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        xn_msgpack_put_uint(out, io[i].bytes);
    }
}

static void put_entries(xn_msgpack_writer *out, const xn_model *model) {
    uint32_t count = model->program.header->entry_count;
    xn_msgpack_put_text(out, "entries");
    xn_msgpack_put_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        xn_msgpack_put_map(out, 2);
        xn_call_put_u32(out, "result", model->program.entries[i].result);
        xn_call_put_u32(out, "size", xn_runner_entry_bytes(model, i));
    }
}

int xn_method_model(xn_call *call, xn_msgpack_writer *out) {
    xn_store_object object;
    int status = xn_call_end(call);
    if (status != XN_OK) {
        return status;
    }
    const xn_model *model = xn_active_model(&object);
    if (model == NULL) {
        return XN_E_NO_MODEL;
    }
    const xn_program *p = &model->program;
    xn_msgpack_put_map(out, 10);
    xn_call_put_text(out, "name", object.name);
    xn_call_put_u32(out, "version", object.version);
    xn_msgpack_put_text(out, "sha256");
    xn_msgpack_put_bin(out, object.sha256, sizeof(object.sha256));
    xn_call_put_u32(out, "arena", p->variant->arena_bytes);
    xn_call_put_u32(out, "stack", p->variant->stack_bytes);
    xn_call_put_u32(out, "steps", p->variant->step_count);
    put_sizes(out, "inputs", p->inputs, p->header->input_count);
    put_sizes(out, "outputs", p->outputs, p->header->output_count);
    put_entries(out, model);
    xn_msgpack_put_text(out, "metadata");
    xn_msgpack_put_array(out, 2);
    xn_msgpack_put_uint(out, p->header->metadata_offset);
    xn_msgpack_put_uint(out, p->header->metadata_bytes);
    return XN_OK;
}

// ---- in_write, run, out_read ------------------------------------------------------------------

// The bytes of an input, or of a piece of one, as they came: a bin, or packed
// [size, pixel, row, flip, bin].
typedef struct piece {
    const uint8_t *bytes;
    uint32_t n;
    bool packed;
    xn_unpack_shape shape; // where packed
} piece;

static int read_packed(xn_reader *r, piece *p) {
    int status = xn_msgpack_read_u32(r, &p->shape.size);
    if (status == XN_OK) {
        status = xn_msgpack_read_u32(r, &p->shape.pixel);
    }
    if (status == XN_OK) {
        status = xn_msgpack_read_u32(r, &p->shape.row);
    }
    if (status == XN_OK) {
        status = xn_msgpack_read_u32(r, &p->shape.flip);
    }
    if (status == XN_OK) {
        status = xn_msgpack_read_bin(r, &p->bytes, &p->n);
    }
    return status == XN_OK && xn_unpack_fits(&p->shape) ? XN_OK : XN_E_PARAMS;
}

static int read_piece(xn_reader *r, uint32_t input, piece *p) {
    xn_msgpack_value v;
    int status = xn_msgpack_read(r, &v);
    p->packed = status == XN_OK && v.type == XN_MSGPACK_ARRAY && v.count == 5;
    if (p->packed) {
        status = read_packed(r, p);
    } else if (status == XN_OK && v.type == XN_MSGPACK_BIN) {
        p->bytes = v.bytes;
        p->n = v.count;
    } else {
        status = XN_E_PARAMS;
    }
    return status == XN_OK ? XN_OK : xn_error_at(XN_E_PARAMS, "not a bin is input", input);
}

static uint32_t piece_size(const piece *p) {
    return p->packed ? p->shape.size : p->n;
}

static int write_piece(xn_model *model, uint32_t input, uint32_t offset, const piece *p) {
    uint8_t *to;
    int status = xn_runner_place(model, input, offset, piece_size(p), &to);
    if (status != XN_OK) {
        return status;
    }
    if (p->packed) {
        xn_unpack(&p->shape, p->bytes, p->n, to);
    } else if (p->n > 0) {
        memcpy(to, p->bytes, p->n);
    }
    return XN_OK;
}

int xn_method_in_write(xn_call *call, xn_msgpack_writer *out) {
    xn_model *model;
    piece p;
    const uint8_t *data;
    uint32_t n;
    uint32_t input = xn_call_u32(call);
    uint32_t offset = xn_call_u32(call);
    xn_call_any(call, &data, &n);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        xn_reader r = xn_reader_of(data, n);
        status = read_piece(&r, input, &p);
    }
    if (status == XN_OK) {
        status = active(&model);
    }
    if (status == XN_OK) {
        status = write_piece(model, input, offset, &p);
    }
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

// All inputs, each whole. Nothing is written before all were seen to be right.
static int write_inputs(xn_model *model, xn_reader items, uint32_t count, bool write) {
    if (count != model->program.header->input_count) {
        return xn_error_limit(XN_E_INPUT, "inputs given are", count,
                              model->program.header->input_count);
    }
    for (uint32_t i = 0; i < count; i++) {
        piece p;
        uint32_t size;
        int status = read_piece(&items, i, &p);
        if (status != XN_OK) {
            return status;
        }
        xn_runner_input(model, i, &size);
        if (piece_size(&p) != size) {
            return xn_error_limit(XN_E_INPUT, "bytes", piece_size(&p), size);
        }
        if (write) {
            (void)write_piece(model, i, 0, &p);
        }
    }
    return XN_OK;
}

// Whether the inputs are those that the host wrote: pieces may be lost or come late, and an earlier
// run may have used their place. Without a CRC at least no run may have come in between.
static int check_inputs(const xn_model *model, uint32_t id, uint32_t wanted) {
    uint32_t crc = XN_CRC32_INIT;
    if (wanted == 0) {
        return last.known && (int32_t)(id - last.id) <= 0 ? XN_E_CHECK : XN_OK;
    }
    for (uint32_t i = 0; i < model->program.header->input_count; i++) {
        uint32_t n;
        const uint8_t *bytes = xn_runner_input(model, i, &n);
        crc = xn_crc32_update(crc, bytes, n);
    }
    return ~crc == wanted ? XN_OK : XN_E_CHECK;
}

static int run(xn_model *model, uint32_t id, uint32_t entry, bool profile) {
    uint32_t steps = xn_runner_steps(model, entry);
    if (profile && steps > PROFILE_STEPS) {
        return xn_error_limit(XN_E_TOO_LONG, "steps", steps, PROFILE_STEPS);
    }
    uint64_t start = xn_port_time_us();
    int status = xn_runner_run(model, entry, profile ? step_us : NULL);
    if (status == XN_OK) {
        last.known = true;
        last.profile = profile;
        last.id = id;
        last.at = (uint32_t)start;
        last.us = (uint32_t)(xn_port_time_us() - start);
    }
    return status;
}

static void put_steps(xn_msgpack_writer *out, const xn_model *model) {
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

static int put_result(xn_msgpack_writer *out, const xn_model *model, uint32_t offset, uint32_t n) {
    uint8_t *to = xn_msgpack_put_bin_space(out, n);
    if (to == NULL) {
        return XN_E_TOO_LONG;
    }
    int32_t copied = xn_runner_read(model, offset, to, n);
    return copied < 0 ? copied : XN_OK;
}

// What the last run gave; its result is there.
static int put_last(xn_msgpack_writer *out, const xn_model *model) {
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
    return put_result(out, model, 0, size);
}

int xn_method_run(xn_call *call, xn_msgpack_writer *out) {
    xn_model *model;
    xn_reader inputs;
    uint32_t count = 0;
    uint32_t entry = xn_call_u32_or(call, 0);
    bool has_inputs = xn_call_array_or_nil(call, &inputs, &count);
    bool profile = xn_call_bool_or(call, false);
    uint32_t check = xn_call_u32_or(call, 0);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = active(&model);
    }
    if (status == XN_OK && is_there(model, call->id)) {
        return put_last(out, model); // the reply got lost
    }
    if (status == XN_OK && !has_inputs) {
        status = check_inputs(model, call->id, check);
    }
    if (status == XN_OK && has_inputs) {
        status = write_inputs(model, inputs, count, false);
    }
    if (status == XN_OK && has_inputs) {
        status = write_inputs(model, inputs, count, true);
    }
    if (status == XN_OK) {
        status = run(model, call->id, entry, profile);
    }
    return status == XN_OK ? put_last(out, model) : status;
}

int xn_method_out_read(xn_call *call, xn_msgpack_writer *out) {
    xn_model *model;
    uint32_t offset = xn_call_u32(call);
    uint32_t n = xn_call_u32(call);
    bool names_run = call->left > 0;
    uint32_t id = xn_call_u32_or(call, 0);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = active(&model);
    }
    if (status == XN_OK && names_run && !is_there(model, id)) {
        status = XN_E_RESULT;
    }
    if (status != XN_OK) {
        return status;
    }
    uint32_t size = xn_runner_result_bytes(model);
    if (offset > size) {
        return xn_error_limit(XN_E_RANGE, "offset", offset, size);
    }
    return put_result(out, model, offset, n < size - offset ? n : size - offset);
}
