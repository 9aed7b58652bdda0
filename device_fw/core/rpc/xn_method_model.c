// The methods of SPEC-wire that work with the active model.
#include <string.h>

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "model/xn_active.h"
#include "model/xn_unpack.h"
#include "rpc/xn_method.h"
#include "rpc/xn_run.h"
#include "store/xn_bundle.h"

static int active(xn_runner_model **model) {
    *model = xn_active_model(NULL);
    return *model == NULL ? xn_active_why_none() : XN_OK;
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

static void put_entries(xn_msgpack_writer *out, const xn_runner_model *model) {
    uint32_t count = model->program.header->entry_count;
    xn_msgpack_put_text(out, "entries");
    xn_msgpack_put_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        xn_msgpack_put_map(out, 2);
        xn_call_put_u32(out, "result", model->program.entries[i].result);
        xn_call_put_u32(out, "size", xn_runner_entry_bytes(model, i));
    }
}

static void put_details(xn_msgpack_writer *out, const xn_blob_header *h) {
    xn_msgpack_put_text(out, "details");
    if (h->details_bytes == 0) {
        xn_msgpack_put_nil(out);
        return;
    }
    xn_msgpack_put_array(out, 3);
    xn_msgpack_put_uint(out, h->details_offset);
    xn_msgpack_put_uint(out, h->details_bytes);
    xn_msgpack_put_uint(out, h->details_unpacked);
}

int xn_method_model(xn_call *call, xn_msgpack_writer *out) {
    xn_store_object object;
    int status = xn_call_end(call);
    if (status != XN_OK) {
        return status;
    }
    const xn_runner_model *model = xn_active_model(&object);
    if (model == NULL) {
        return xn_active_why_none();
    }
    const xn_loader_program *p = &model->program;
    if (object.type == XN_STORE_BUNDLE) {
        xn_msgpack_put_map(out, 13);
        xn_call_put_text(out, "bundle", object.name);
        (void)xn_bundle_member(&object, 0, NULL, &object); // it is open: there is one
    } else {
        xn_msgpack_put_map(out, 12);
    }
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
    put_details(out, p->header);
    xn_call_put_u32(out, "state", p->header->state_bytes);
    return XN_OK;
}

int xn_method_reset_state(xn_call *call, xn_msgpack_writer *out) {
    xn_runner_model *model;
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = active(&model);
    }
    if (status == XN_OK) {
        xn_runner_reset_state(model);
        xn_msgpack_put_nil(out);
    }
    return status;
}

// ---- in_write, run, out_read ------------------------------------------------------------------

// The bytes of an input, or of a piece of one, as they came: a bin, or packed
// [size, pixel, row, flip, bin].
typedef struct piece {
    const uint8_t *bytes;
    uint32_t n;
    bool packed;
    xn_unpack_shape shape; // if packed
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

static int write_piece(xn_runner_model *model, uint32_t input, uint32_t offset, const piece *p) {
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
    xn_runner_model *model;
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

// All inputs, each whole. All are checked before anything is written.
static int write_inputs(xn_runner_model *model, xn_reader items, uint32_t count, bool write) {
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

int xn_method_run(xn_call *call, xn_msgpack_writer *out) {
    xn_runner_model *model;
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
    if (status == XN_OK && xn_run_is_there(model, call->id)) {
        return xn_run_put_last(out, model); // the reply got lost
    }
    if (status == XN_OK && !has_inputs) {
        status = xn_run_check_inputs(model, call->id, check);
    }
    if (status == XN_OK && has_inputs) {
        status = write_inputs(model, inputs, count, false);
    }
    if (status == XN_OK && has_inputs) {
        status = write_inputs(model, inputs, count, true);
    }
    if (status == XN_OK) {
        status = xn_run(model, call->id, entry, profile);
    }
    return status == XN_OK ? xn_run_put_last(out, model) : status;
}

int xn_method_out_read(xn_call *call, xn_msgpack_writer *out) {
    xn_runner_model *model;
    uint32_t offset = xn_call_u32(call);
    uint32_t n = xn_call_u32(call);
    bool names_run = call->left > 0;
    uint32_t id = xn_call_u32_or(call, 0);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = active(&model);
    }
    if (status == XN_OK && names_run && !xn_run_is_there(model, id)) {
        status = XN_E_RESULT;
    }
    if (status != XN_OK) {
        return status;
    }
    uint32_t size = xn_runner_result_bytes(model);
    if (offset > size) {
        return xn_error_limit(XN_E_RANGE, "offset", offset, size);
    }
    return xn_run_put_bytes(out, model, offset, n < size - offset ? n : size - offset);
}
