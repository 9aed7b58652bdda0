#include "model/xn_runner.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_bytes.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "base/xn_reader.h"
#include "base/xn_sha256.h"
#include "model/xn_pool.h"
#include "store/xn_store.h"
#include "store/xn_weights.h"

#define NO_RESULT (-1)

static xn_runner_model *open_models;
static const xn_runner_model *running;
static volatile bool stop; // the runs that are under way

uint32_t xn_runner_limit_ms = XN_RUNNER_LIMIT_MS;
void (*xn_runner_between_steps)(void);
void (*xn_runner_on_stop)(const xn_runner_model *model, int status, uint32_t step);

// ---- Opening ----------------------------------------------------------------------------------

bool xn_runner_is_open(const xn_runner_model *model) {
    for (const xn_runner_model *m = open_models; m != NULL; m = m->next) {
        if (m == model) {
            return true;
        }
    }
    return false;
}

// As after it was opened: no inputs, no result, a state that is to be set.
static void clear(xn_runner_model *model) {
    memset(model->ctx.arena, 0, model->reach_bytes);
    model->entry = NO_RESULT;
    model->is_reset = false;
}

// Sets where the weights are, in the blob or in an object of the store.
static int find_weights(xn_runner_model *model) {
    xn_store_object weights;
    const xn_loader_program *p = &model->program;
    const uint8_t *in = p->blob;
    model->weights_bytes = model->object_bytes = 0;
    if (p->needs != NULL) {
        int status = xn_weights_find(p->needs->sha256, p->needs->bytes, &weights);
        if (status != XN_OK) {
            return status;
        }
        in = xn_store_map(&weights);
        xn_port_sync_code(in, weights.size); // flash may have been written since
        model->object = in;
        model->object_bytes = weights.size;
        model->weights_bytes = p->variant->weights_bytes;
    }
    model->ctx.weights = in + p->variant->weights_offset;
    return XN_OK;
}

static int check(xn_loader_program *program, const uint8_t *blob, uint32_t bytes) {
    const xn_port_cpu *cpu = xn_port_identity();
    const xn_loader_place here = {
        .family = cpu->family,
        .level = cpu->level,
        .features = cpu->features,
        .arena_bytes = xn_pool_bytes(),
        .stack_bytes = xn_port_step_stack(),
        .pause = xn_busy_pause,
    };
    xn_reason why;
    xn_port_sync_code(blob, bytes); // flash may have been written since it was looked at last
    int status = xn_loader_check(program, blob, bytes, &here, &why);
    return status == XN_OK ? XN_OK : xn_error_reason(status, &why);
}

static int open_model(xn_runner_model *model, const uint8_t *blob, uint32_t bytes) {
    xn_runner_close(model);
    int status = check(&model->program, blob, bytes);
    if (status == XN_OK) {
        status = find_weights(model);
    }
    if (status != XN_OK) {
        return status;
    }
    uint32_t arena_bytes = model->program.variant->arena_bytes;
    model->reach_bytes = arena_bytes;
    model->ctx.arena = xn_pool_take(&model->reach_bytes);
    if (model->ctx.arena == NULL) {
        return xn_error_limit(XN_E_ARENA, "arena_bytes", arena_bytes, xn_pool_largest());
    }
    model->limit_ms = xn_runner_limit_ms;
    clear(model);
    model->next = open_models;
    open_models = model;
    return XN_OK;
}

int xn_runner_open(xn_runner_model *model, const uint8_t *blob, uint32_t bytes) {
    xn_busy_begin();
    int status = open_model(model, blob, bytes);
    xn_busy_end();
    return status;
}

void xn_runner_close(xn_runner_model *model) {
    xn_runner_close_within(model, model + 1);
}

void xn_runner_close_within(const void *start, const void *end) {
    xn_runner_model **link = &open_models;
    xn_busy_begin();
    while (*link != NULL) {
        xn_runner_model *model = *link;
        if ((uintptr_t)model >= (uintptr_t)start && (uintptr_t)model < (uintptr_t)end) {
            *link = model->next;
            xn_pool_give(model->ctx.arena);
        } else {
            link = &model->next;
        }
    }
    xn_busy_end();
}

static bool meet(const uint8_t *a, uint32_t a_bytes, const uint8_t *b, uint32_t b_bytes) {
    return (uintptr_t)a < (uintptr_t)b + b_bytes && (uintptr_t)b < (uintptr_t)a + a_bytes;
}

bool xn_runner_uses(const uint8_t *at, uint32_t n) {
    for (const xn_runner_model *m = open_models; m != NULL; m = m->next) {
        if (meet(m->program.blob, m->program.header->total_bytes, at, n) ||
            (m->object_bytes > 0 && meet(m->object, m->object_bytes, at, n))) {
            return true;
        }
    }
    return false;
}

// ---- Inputs and outputs -----------------------------------------------------------------------

static uint8_t *io_at(const xn_runner_model *model, const xn_blob_io *io, uint32_t count,
                      uint32_t index, uint32_t *bytes) {
    if (index >= count) {
        return NULL;
    }
    *bytes = io[index].bytes;
    return model->ctx.arena + io[index].arena_offset;
}

uint8_t *xn_runner_input(const xn_runner_model *model, uint32_t index, uint32_t *bytes) {
    const xn_loader_program *p = &model->program;
    return io_at(model, p->inputs, p->header->input_count, index, bytes);
}

const uint8_t *xn_runner_output(const xn_runner_model *model, uint32_t index, uint32_t *bytes) {
    const xn_loader_program *p = &model->program;
    return io_at(model, p->outputs, p->header->output_count, index, bytes);
}

int xn_runner_place(xn_runner_model *model, uint32_t input, uint32_t offset, uint32_t n,
                    uint8_t **to) {
    uint32_t size;
    uint8_t *start = xn_runner_input(model, input, &size);
    if (start == NULL) {
        return xn_error_limit(XN_E_INPUT, "input", input, model->program.header->input_count);
    }
    if (!xn_bytes_in_range(offset, n, size)) {
        return xn_error_limit(XN_E_INPUT, offset == 0 ? "bytes" : "piece at",
                              offset == 0 ? n : offset, size);
    }
    model->entry = NO_RESULT; // outputs hold until the next write
    *to = start + offset;
    return XN_OK;
}

int xn_runner_write(xn_runner_model *model, uint32_t input, uint32_t offset, const uint8_t *bytes,
                    uint32_t n) {
    uint8_t *to;
    int status = xn_runner_place(model, input, offset, n, &to);
    if (status == XN_OK && n > 0) {
        memcpy(to, bytes, n);
    }
    return status;
}

static uint32_t outputs_bytes(const xn_runner_model *model) {
    uint32_t total = 0;
    for (uint32_t i = 0; i < model->program.header->output_count; i++) {
        total += model->program.outputs[i].bytes;
    }
    return total;
}

uint32_t xn_runner_entry_bytes(const xn_runner_model *model, uint32_t entry) {
    const xn_blob_entry *e = &model->program.entries[entry];
    return e->result == XN_RESULT_TENSORS ? outputs_bytes(model) : e->result_bytes;
}

uint32_t xn_runner_result_bytes(const xn_runner_model *model) {
    return model->entry < 0 ? 0 : xn_runner_entry_bytes(model, (uint32_t)model->entry);
}

// Copies [offset, offset + n) of all outputs, one after another.
static void read_outputs(const xn_runner_model *model, uint32_t offset, uint8_t *to, uint32_t n) {
    for (uint32_t i = 0; n > 0; i++) {
        uint32_t bytes = model->program.outputs[i].bytes;
        if (offset >= bytes) {
            offset -= bytes;
            continue;
        }
        uint32_t part = n < bytes - offset ? n : bytes - offset;
        memcpy(to, model->ctx.arena + model->program.outputs[i].arena_offset + offset, part);
        to += part;
        n -= part;
        offset = 0;
    }
}

int32_t xn_runner_read(const xn_runner_model *model, uint32_t offset, uint8_t *to, uint32_t n) {
    uint32_t size = xn_runner_result_bytes(model);
    if (model->entry < 0) {
        return xn_error_at(XN_E_RANGE, "no result since the last write; offset", offset);
    }
    if (offset > size) {
        return xn_error_limit(XN_E_RANGE, "offset", offset, size);
    }
    n = n < size - offset ? n : size - offset;
    const xn_blob_entry *e = &model->program.entries[model->entry];
    if (e->result == XN_RESULT_TENSORS) {
        read_outputs(model, offset, to, n);
    } else if (n > 0) {
        memcpy(to, model->ctx.arena + e->result_offset + offset, n);
    }
    return (int32_t)n;
}

static bool same_inputs(const xn_loader_program *a, const xn_loader_program *b) {
    if (a->header->input_count != b->header->input_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->header->input_count; i++) {
        if (a->inputs[i].bytes != b->inputs[i].bytes) {
            return false;
        }
    }
    return true;
}

bool xn_runner_hand_over(const xn_runner_model *from, xn_runner_model *to) {
    const xn_loader_program *p = &from->program;
    if (from->entry != NO_RESULT || !same_inputs(p, &to->program)) {
        return false;
    }
    for (uint32_t i = 0; i < p->header->input_count; i++) {
        memcpy(to->ctx.arena + to->program.inputs[i].arena_offset,
               from->ctx.arena + p->inputs[i].arena_offset, p->inputs[i].bytes);
    }
    return true;
}

const uint8_t *xn_runner_arena(const xn_runner_model *model, uint32_t offset, uint32_t n) {
    uint32_t size = model->program.variant->arena_bytes;
    return xn_bytes_in_range(offset, n, size) ? model->ctx.arena + offset : NULL;
}

// ---- Running ----------------------------------------------------------------------------------

uint32_t xn_runner_steps(const xn_runner_model *model, uint32_t entry) {
    if (entry >= model->program.header->entry_count) {
        return 0;
    }
    const xn_blob_entry *e = &model->program.entries[entry];
    return e->network_steps + e->head_steps;
}

static xn_step_fn *step_function(const xn_loader_program *p, uint32_t step) {
    uintptr_t at = (uintptr_t)p->blob + p->variant->code_offset + p->steps[step];
    if (p->variant->family == XN_FAMILY_CORTEX_M) {
        at |= 1u; // Thumb
    }
    return (xn_step_fn *)at;
}

static int run_step(const xn_runner_model *model, uint32_t number, uint32_t *us) {
    const xn_loader_program *p = &model->program;
    const xn_port_step step = {
        .function = step_function(p, number),
        .ctx = &model->ctx,
        .blob = p->blob,
        .blob_bytes = p->header->total_bytes,
        .weights_bytes = model->weights_bytes,
        .arena_bytes = model->reach_bytes,
        .number = (int32_t)number,
        .limit_ms = model->limit_ms,
    };
    xn_port_stop stop;
    uint64_t start = xn_port_time_us();
    int status = xn_port_run_step(&step, &stop);
    if (us != NULL) {
        *us = (uint32_t)(xn_port_time_us() - start);
    }
    if (status == XN_OK && stop.returned != 0) {
        return xn_error_stop(XN_E_STEP, number, &stop);
    }
    if (status != XN_E_FAULT && status != XN_E_DEADLINE) {
        return status; // not run, say: nothing of it is the model's fault
    }
    if (xn_runner_on_stop != NULL) {
        xn_runner_on_stop(model, status, number);
    }
    return xn_error_stop(status, number, &stop);
}

void xn_runner_stop(void) {
    stop = running != NULL;
}

static int late(const xn_runner_model *model, uint32_t step, uint32_t ms) {
    if (xn_runner_on_stop != NULL) {
        xn_runner_on_stop(model, XN_E_DEADLINE, step);
    }
    return xn_error_limit(XN_E_DEADLINE, "milliseconds of the run", ms, XN_RUNNER_RUN_MS);
}

// A step of a run that began at start_us, and what is done after it.
static int next_step(const xn_runner_model *model, uint32_t step, uint32_t *us, uint64_t start_us) {
    int status = run_step(model, step, us);
    if (status != XN_OK) {
        return status;
    }
    if (xn_runner_between_steps != NULL) {
        xn_runner_between_steps();
    }
    if (stop) {
        return xn_error_at(XN_E_STOPPED, "step", step);
    }
    uint32_t ms = (uint32_t)((xn_port_time_us() - start_us) / 1000u);
    return ms <= XN_RUNNER_RUN_MS ? XN_OK : late(model, step, ms);
}

// Sets the state as SPEC-blob section 6 says.
static int reset_state(xn_runner_model *model, uint64_t start_us) {
    const xn_blob_header *h = model->program.header;
    memset(model->ctx.arena + h->state_offset, 0, h->state_bytes);
    int status = XN_OK;
    for (uint32_t i = 0; status == XN_OK && i < h->reset_steps; i++) {
        status = next_step(model, h->reset_step + i, NULL, start_us);
    }
    model->is_reset = status == XN_OK;
    return status;
}

void xn_runner_reset_state(xn_runner_model *model) {
    model->is_reset = false;
}

// Calls steps [first, first + count) of an entry.
static int run_steps(const xn_runner_model *model, const xn_blob_entry *e, uint32_t first,
                     uint32_t count, uint32_t *step_us, uint64_t start_us) {
    int status = XN_OK;
    for (uint32_t i = first; status == XN_OK && i < first + count; i++) {
        uint32_t step = i < e->network_steps ? i : e->head_step + (i - e->network_steps);
        status = next_step(model, step, step_us == NULL ? NULL : step_us + (i - first), start_us);
    }
    return status;
}

int xn_runner_run_range(xn_runner_model *model, uint32_t entry, uint32_t first, uint32_t count,
                        uint32_t *step_us) {
    if (!xn_runner_is_open(model)) {
        return XN_E_NO_MODEL; // Python that ran since the caller looked may have closed it
    }
    if (entry >= model->program.header->entry_count) {
        return xn_error_limit(XN_E_ENTRY, "entry", entry, model->program.header->entry_count);
    }
    uint32_t steps = xn_runner_steps(model, entry);
    if (!xn_bytes_in_range(first, count, steps)) {
        return xn_error_limit(XN_E_RANGE, first > steps ? "step" : "steps",
                              first > steps ? first : count, steps);
    }
    if (running == model) {
        return XN_E_BUSY;
    }
    const xn_runner_model *outer = running; // this one runs between two of its steps
    uint64_t start = xn_port_time_us();
    xn_busy_begin();
    stop = stop && outer != NULL;
    running = model;
    model->entry = NO_RESULT;
    int status = model->is_reset ? XN_OK : reset_state(model, start);
    if (status == XN_OK) {
        status = run_steps(model, &model->program.entries[entry], first, count, step_us, start);
    }
    running = outer;
    xn_busy_end();
    return status;
}

int xn_runner_run(xn_runner_model *model, uint32_t entry, uint32_t *step_us) {
    int status = xn_runner_run_range(model, entry, 0, xn_runner_steps(model, entry), step_us);
    if (status == XN_OK) {
        model->entry = (int32_t)entry;
    }
    return status;
}

// ---- The golden vector ------------------------------------------------------------------------

// Where a golden test is: what is left of its streams.
typedef struct golden_test {
    const xn_blob_golden *vector;
    const uint8_t *inputs; // stored ones
    const uint8_t *outputs;
    uint32_t x; // the generator's state
    xn_sha256 hash;
} golden_test;

static uint32_t next_random(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static void write_golden_input(golden_test *t, uint8_t *to, uint32_t n) {
    switch (t->vector->input_kind) {
    case XN_GOLDEN_STORED:
        memcpy(to, t->inputs, n);
        t->inputs += n;
        break;
    case XN_GOLDEN_XORSHIFT:
        for (uint32_t i = 0; i < n; i++) {
            to[i] = (uint8_t)(next_random(&t->x) >> 24);
        }
        break;
    default: // XN_GOLDEN_FLOATS
        for (uint32_t i = 0; i < n; i += 4u) {
            float value = (float)(next_random(&t->x) >> 8) / 16777216.0f;
            memcpy(to + i, &value, sizeof(value));
        }
    }
}

static int compare_golden_output(golden_test *t, uint32_t output, const uint8_t *seen, uint32_t n) {
    if (t->vector->output_kind == XN_GOLDEN_SHA256) {
        xn_sha256_add(&t->hash, seen, n);
        return XN_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (seen[i] != *t->outputs++) {
            return xn_error_at(XN_E_BLOB_GOLDEN, output == 0 ? "first output, byte" : "byte", i);
        }
    }
    return XN_OK;
}

// One of its runs; *us grows by what it took.
static int run_golden(xn_runner_model *model, golden_test *t, uint32_t *us) {
    const xn_loader_program *p = &model->program;
    for (uint32_t i = 0; i < p->header->input_count; i++) {
        write_golden_input(t, model->ctx.arena + p->inputs[i].arena_offset, p->inputs[i].bytes);
    }
    uint64_t start = xn_port_time_us();
    int status = xn_runner_run(model, 0, NULL);
    *us += (uint32_t)(xn_port_time_us() - start);
    for (uint32_t i = 0; status == XN_OK && i < p->header->output_count; i++) {
        const uint8_t *seen = model->ctx.arena + p->outputs[i].arena_offset;
        status = compare_golden_output(t, i, seen, p->outputs[i].bytes);
    }
    return status;
}

static int compare_golden_hash(golden_test *t, uint32_t runs) {
    uint8_t digest[XN_SHA256_BYTES];
    xn_sha256_end(&t->hash, digest);
    return memcmp(digest, t->outputs, sizeof(digest)) == 0
               ? XN_OK
               : xn_error_at(XN_E_BLOB_GOLDEN, "SHA-256 of the outputs; runs", runs);
}

int xn_runner_golden(xn_runner_model *model, uint32_t limit_ms, uint32_t *us) {
    const xn_blob_golden *vector = model->program.golden;
    *us = 0;
    if (vector == NULL) {
        return 0;
    }
    const uint8_t *bytes = (const uint8_t *)(vector + 1);
    golden_test t = {.vector = vector,
                     .inputs = bytes,
                     .outputs = bytes + vector->input_bytes,
                     .x = vector->seed};
    xn_sha256_begin(&t.hash);
    model->limit_ms = limit_ms;
    int status = XN_OK;
    for (uint32_t i = 0; status == XN_OK && i < model->program.golden_runs; i++) {
        status = run_golden(model, &t, us);
        if (status == XN_OK && *us / 1000u > XN_RUNNER_RUN_MS) {
            status = late(model, 0, *us / 1000u);
        }
    }
    model->limit_ms = xn_runner_limit_ms;
    if (status == XN_OK && vector->output_kind == XN_GOLDEN_SHA256) {
        status = compare_golden_hash(&t, model->program.golden_runs);
    }
    clear(model);
    return status == XN_OK ? 1 : status;
}
