#include "micropython/model_run.h"

#include "micropython/head.h"
#include "micropython/metadata.h"
#include "micropython/picture.h"

#include "core/base/xn_error.h"
#include "core/base/xn_port.h"

#include "xn_metadata_keys.h"

#include "py/binary.h"
#include "py/objarray.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#include <string.h>

MP_DEFINE_CONST_OBJ_TYPE(mp_type_XipnetError, MP_QSTR_Error, MP_TYPE_FLAG_NONE, make_new,
                         mp_obj_exception_make_new, print, mp_obj_exception_print, attr,
                         mp_obj_exception_attr, parent, &mp_type_Exception);

void xn_model_check(int status) {
    if (status >= 0) {
        return;
    }
    if (status == XN_E_STOPPED) {
        mp_handle_pending(true); // what stopped the run, if it was an interrupt
    }
    char text[XN_ERROR_TEXT_MAX];
    xn_error_text(status, text);
    mp_obj_t args[2] = {MP_OBJ_NEW_SMALL_INT(status), mp_obj_new_str_from_cstr(text)};
    nlr_raise(mp_obj_new_exception_args(&mp_type_XipnetError, 2, args));
}

uint32_t xn_model_us;

// ---- In -----------------------------------------------------------------------------------------

xn_model_call xn_model_call_of(size_t n, const mp_obj_t *args, mp_map_t *kw) {
    xn_model_call call = {n, args, mp_const_none};
    mp_event_handle_nowait(); // a builtin such as map() may run models for ever
    mp_map_elem_t *shape = mp_map_lookup(kw, MP_OBJ_NEW_QSTR(MP_QSTR_shape), MP_MAP_LOOKUP);
    if (shape != NULL) {
        call.shape = shape->value;
    }
    if (kw->used != (shape == NULL ? 0u : 1u)) {
        mp_raise_TypeError(MP_ERROR_TEXT("the only keyword is shape"));
    }
    if (call.shape != mp_const_none && n != 1) {
        mp_raise_TypeError(MP_ERROR_TEXT("shape is of one picture"));
    }
    return call;
}

static void write_input(xn_runner_model *model, uint32_t index, mp_obj_t value) {
    mp_buffer_info_t from;
    uint32_t size = 0;
    mp_get_buffer_raise(value, &from, MP_BUFFER_READ);
    if (xn_runner_input(model, index, &size) != NULL && from.len != size) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("input %u must have %u bytes; has %u"),
                          (unsigned)index, (unsigned)size, (unsigned)from.len);
    }
    xn_model_check(xn_runner_write(model, index, 0, from.buf, (uint32_t)from.len));
}

// Writes the inputs of a dict by their names; it must have each of them, and nothing else.
static void write_named(xn_runner_model *model, mp_obj_t dict) {
    uint32_t wanted = model->program.header->input_count;
    if (mp_obj_dict_get_map(dict)->used != wanted) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("model has %u inputs; got %u"),
                          (unsigned)wanted, (unsigned)mp_obj_dict_get_map(dict)->used);
    }
    for (uint32_t i = 0; i < wanted; i++) {
        mp_obj_t tensor = xn_metadata_tensor(&model->program, XN_KEY_INPUTS, i);
        mp_obj_t name = mp_obj_dict_get(tensor, MP_OBJ_NEW_QSTR(MP_QSTR_name));
        write_input(model, i, mp_obj_dict_get(dict, name)); // KeyError: the name that is missing
    }
}

static void write_inputs(xn_runner_model *model, size_t n, const mp_obj_t *inputs) {
    size_t wanted = model->program.header->input_count;
    if (n == 1 && mp_obj_is_dict_or_ordereddict(inputs[0])) {
        write_named(model, inputs[0]);
        return;
    }
    if (n != 0 && n != wanted) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("model has %u inputs; got %u"),
                          (unsigned)wanted, (unsigned)n);
    }
    for (size_t i = 0; i < n; i++) {
        write_input(model, (uint32_t)i, inputs[i]);
    }
}

// Writes the inputs of a call. True: they are a picture, and *fit tells how it was fitted.
static bool write_call(xn_runner_model *model, const xn_model_call *call, xn_picture_fit *fit) {
    if (call->shape == mp_const_none) {
        write_inputs(model, call->n, call->inputs);
        return false;
    }
    xn_picture_write(model, call->inputs[0], call->shape, fit);
    return true;
}

static void run_entry(xn_runner_model *model, uint32_t entry, uint32_t *step_us) {
    uint64_t start = xn_port_time_us();
    int status = xn_runner_run(model, entry, step_us);
    xn_model_us = (uint32_t)(xn_port_time_us() - start);
    xn_model_check(status);
}

static mp_obj_t views(uint32_t count, const xn_loader_program *program, const xn_blob_io *io,
                      const char *which, uint8_t *arena, uint8_t flags) {
    mp_obj_t tuple = mp_obj_new_tuple(count, NULL);
    mp_obj_tuple_t *to = MP_OBJ_TO_PTR(tuple);
    for (uint32_t i = 0; i < count; i++) {
        char code = xn_metadata_typecode(program, which, i);
        size_t items = io[i].bytes / mp_binary_get_size('@', code, NULL);
        to->items[i] =
            mp_obj_new_memoryview((uint8_t)code | flags, items, arena + io[i].arena_offset);
    }
    return tuple;
}

mp_obj_t xn_model_inputs(xn_runner_model *model) {
    const xn_loader_program *p = &model->program;
    return views(p->header->input_count, p, p->inputs, XN_KEY_INPUTS, model->ctx.arena,
                 MP_OBJ_ARRAY_TYPECODE_FLAG_RW);
}

mp_obj_t xn_model_outputs(xn_runner_model *model) {
    const xn_loader_program *p = &model->program;
    return views(p->header->output_count, p, p->outputs, XN_KEY_OUTPUTS, model->ctx.arena, 0);
}

// ---- Out ----------------------------------------------------------------------------------------

mp_obj_t xn_model_run(xn_runner_model *model, const xn_model_call *call) {
    xn_picture_fit fit;
    write_call(model, call, &fit);
    run_entry(model, 0, NULL);
    mp_obj_t outputs = xn_model_outputs(model);
    mp_obj_tuple_t *tuple = MP_OBJ_TO_PTR(outputs);
    return tuple->len == 1 ? tuple->items[0] : outputs;
}

mp_obj_t xn_model_profile(xn_runner_model *model, const xn_model_call *call) {
    static const qstr fields[] = {MP_QSTR_name, MP_QSTR_us};
    xn_picture_fit fit;
    uint32_t entry = model->program.header->entry_count - 1u; // the longest: with its head
    uint32_t steps = xn_runner_steps(model, entry);
    const xn_blob_entry *e = &model->program.entries[entry];
    uint32_t *us = m_new(uint32_t, steps);
    write_call(model, call, &fit);
    run_entry(model, entry, us);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    xn_reader details = xn_metadata_details(&model->program);
    for (uint32_t i = 0; i < steps; i++) {
        uint32_t step = i < e->network_steps ? i : e->head_step + (i - e->network_steps);
        mp_obj_t items[2] = {xn_metadata_step(details, step), mp_obj_new_int_from_uint(us[i])};
        mp_obj_list_append(list, mp_obj_new_attrtuple(fields, 2, items));
    }
    m_del(uint32_t, us, steps);
    return list;
}

static mp_obj_t run_head(xn_runner_model *model, const xn_model_call *call, uint32_t entry) {
    const xn_loader_program *p = &model->program;
    xn_head_record record;
    xn_picture_fit fit;
    if (!xn_head_record_of(p, entry, &record)) {
        xn_model_check(xn_error_at(XN_E_ENTRY, "nothing says how to read results of kind",
                                   p->entries[entry].result));
    }
    bool fitted = write_call(model, call, &fit);
    run_entry(model, entry, NULL);
    return xn_head_items(p, &record, model->ctx.arena + p->entries[entry].result_offset,
                         xn_runner_result_bytes(model), fitted ? &fit : NULL);
}

// Runs the first entry that gives results of that kind.
static mp_obj_t run_kind(xn_runner_model *model, const xn_model_call *call, uint16_t kind) {
    const xn_loader_program *p = &model->program;
    for (uint32_t entry = 0; entry < p->header->entry_count; entry++) {
        if (p->entries[entry].result == kind) {
            return run_head(model, call, entry);
        }
    }
    xn_model_check(xn_error_at(XN_E_ENTRY, "no head gives results of kind", kind));
    return MP_OBJ_NULL;
}

mp_obj_t xn_model_detect(xn_runner_model *model, const xn_model_call *call) {
    return run_kind(model, call, XN_RESULT_DETECTIONS);
}

mp_obj_t xn_model_classify(xn_runner_model *model, const xn_model_call *call) {
    return run_kind(model, call, XN_RESULT_CLASSES);
}

mp_obj_t xn_model_run_head(xn_runner_model *model, const xn_model_call *call) {
    return run_head(model, call, model->program.header->entry_count - 1u);
}

// ---- About --------------------------------------------------------------------------------------

static mp_obj_t tensors(const xn_loader_program *program, const char *which, uint32_t count) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (uint32_t i = 0; i < count; i++) {
        mp_obj_list_append(list, xn_metadata_tensor(program, which, i));
    }
    return list;
}

mp_obj_t xn_model_describe(const xn_runner_model *model) {
    const xn_loader_program *p = &model->program;
    mp_obj_t dict = mp_obj_new_dict(6);
    const struct {
        qstr key;
        mp_obj_t value;
    } entries[] = {
        {MP_QSTR_inputs, tensors(p, XN_KEY_INPUTS, p->header->input_count)},
        {MP_QSTR_outputs, tensors(p, XN_KEY_OUTPUTS, p->header->output_count)},
        {MP_QSTR_labels, xn_metadata_labels(p)},
        {MP_QSTR_arena, mp_obj_new_int_from_uint(p->variant->arena_bytes)},
        {MP_QSTR_stack, mp_obj_new_int_from_uint(p->variant->stack_bytes)},
        {MP_QSTR_steps, mp_obj_new_int_from_uint(p->variant->step_count)},
    };
    for (size_t i = 0; i < MP_ARRAY_SIZE(entries); i++) {
        mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(entries[i].key), entries[i].value);
    }
    return dict;
}
