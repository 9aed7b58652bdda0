// xipnet.Model(name): a model of the store with an arena of its own, beside the active one. The
// arena goes back to the pool on close(), at the end of a with block, or when the object is
// collected.
#include "micropython/model_run.h"
#include "micropython/model_type.h"
#include "micropython/stream.h"

#include "core/base/xn_error.h"
#include "core/model/xn_active.h"

#include "py/gc.h"
#include "py/runtime.h"

#include <string.h>

typedef struct model_object {
    mp_obj_base_t base;
    xn_runner_model model;
    xn_store_object stored;
    uint32_t us; // of the last run
} model_object;

// No name in the store is longer than XN_STORE_NAME_MAX.
void xn_model_name(mp_obj_t from, char name[XN_STORE_NAME_MAX + 1]) {
    size_t n;
    const char *text = mp_obj_str_get_data(from, &n);
    if (n > XN_STORE_NAME_MAX) {
        xn_model_check(
            xn_error_limit(XN_E_NAME, "bytes of the name", (uint32_t)n, XN_STORE_NAME_MAX));
    }
    memcpy(name, text, n);
    name[n] = '\0';
}

static int open_stored(model_object *self) {
    int status = xn_active_open(&self->model, &self->stored, 0);
    if (status == XN_E_ARENA) {
        // Models that nothing refers to still hold their arenas.
        gc_collect();
        status = xn_active_open(&self->model, &self->stored, 0);
    }
    return status;
}

static mp_obj_t model_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                               const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    char name[XN_STORE_NAME_MAX + 1];
    xn_model_name(args[0], name);
    model_object *self = mp_obj_malloc_with_finaliser(model_object, type);
    memset(&self->model, 0, sizeof self->model);
    self->us = 0;
    xn_model_check(xn_store_find(name, &self->stored));
    xn_model_check(open_stored(self));
    int status = xn_active_test_late(&self->model);
    if (status != XN_OK) {
        xn_runner_close(&self->model);
    }
    xn_model_check(status);
    return MP_OBJ_FROM_PTR(self);
}

static xn_runner_model *open_model(mp_obj_t self_in) {
    model_object *self = MP_OBJ_TO_PTR(self_in);
    if (!xn_runner_is_open(&self->model)) {
        mp_raise_ValueError(MP_ERROR_TEXT("the model is closed"));
    }
    return &self->model;
}

typedef mp_obj_t run_fn(xn_runner_model *model, const xn_model_call *call);

static mp_obj_t run_with(run_fn *run, size_t n, const mp_obj_t *args, mp_map_t *kw) {
    model_object *self = MP_OBJ_TO_PTR(args[0]);
    xn_model_call call = xn_model_call_of(n - 1, args + 1, kw);
    mp_obj_t result = run(open_model(args[0]), &call);
    self->us = xn_model_us;
    return result;
}

static mp_obj_t model_run(size_t n, const mp_obj_t *args, mp_map_t *kw) {
    return run_with(xn_model_run, n, args, kw);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(model_run_obj, 1, model_run);

static mp_obj_t model_detect(size_t n, const mp_obj_t *args, mp_map_t *kw) {
    return run_with(xn_model_detect, n, args, kw);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(model_detect_obj, 1, model_detect);

static mp_obj_t model_classify(size_t n, const mp_obj_t *args, mp_map_t *kw) {
    return run_with(xn_model_classify, n, args, kw);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(model_classify_obj, 1, model_classify);

static mp_obj_t model_run_head(size_t n, const mp_obj_t *args, mp_map_t *kw) {
    return run_with(xn_model_run_head, n, args, kw);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(model_run_head_obj, 1, model_run_head);

static mp_obj_t model_profile(size_t n, const mp_obj_t *args, mp_map_t *kw) {
    return run_with(xn_model_profile, n, args, kw);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(model_profile_obj, 1, model_profile);

static mp_obj_t model_stream(size_t n, const mp_obj_t *args, mp_map_t *kw) {
    return xn_stream_new(open_model(args[0]), n, args, kw);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(model_stream_obj, 1, model_stream);

static mp_obj_t model_reset_state(mp_obj_t self_in) {
    xn_runner_reset_state(open_model(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(model_reset_state_obj, model_reset_state);

static mp_obj_t model_info(mp_obj_t self_in) {
    return xn_model_describe(open_model(self_in));
}
static MP_DEFINE_CONST_FUN_OBJ_1(model_info_obj, model_info);

static mp_obj_t model_close(mp_obj_t self_in) {
    model_object *self = MP_OBJ_TO_PTR(self_in);
    xn_runner_close(&self->model);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(model_close_obj, model_close);

static mp_obj_t model_exit(size_t n, const mp_obj_t *args) {
    (void)n;
    return model_close(args[0]);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(model_exit_obj, 4, 4, model_exit);

static mp_obj_t attribute(model_object *self, qstr name) {
    switch (name) {
    case MP_QSTR_name:
        return mp_obj_new_str_from_cstr(self->stored.name);
    case MP_QSTR_version:
        return mp_obj_new_int_from_uint(self->stored.version);
    case MP_QSTR_us:
        return mp_obj_new_int_from_uint(self->us);
    case MP_QSTR_inputs:
        return xn_model_inputs(open_model(MP_OBJ_FROM_PTR(self)));
    case MP_QSTR_outputs:
        return xn_model_outputs(open_model(MP_OBJ_FROM_PTR(self)));
    default:
        return MP_OBJ_NULL;
    }
}

static void model_attr(mp_obj_t self_in, qstr name, mp_obj_t *dest) {
    if (dest[0] != MP_OBJ_NULL) {
        return; // nothing of a model can be assigned or deleted
    }
    dest[0] = attribute(MP_OBJ_TO_PTR(self_in), name);
    if (dest[0] == MP_OBJ_NULL) {
        dest[1] = MP_OBJ_SENTINEL; // a method: look in the locals
    }
}

static void model_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    const model_object *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "<Model '%s' version %u%s>", self->stored.name, (unsigned)self->stored.version,
              xn_runner_is_open(&self->model) ? "" : ", closed");
}

static const mp_rom_map_elem_t model_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&model_run_obj)},
    {MP_ROM_QSTR(MP_QSTR_detect), MP_ROM_PTR(&model_detect_obj)},
    {MP_ROM_QSTR(MP_QSTR_classify), MP_ROM_PTR(&model_classify_obj)},
    {MP_ROM_QSTR(MP_QSTR_run_head), MP_ROM_PTR(&model_run_head_obj)},
    {MP_ROM_QSTR(MP_QSTR_profile), MP_ROM_PTR(&model_profile_obj)},
    {MP_ROM_QSTR(MP_QSTR_stream), MP_ROM_PTR(&model_stream_obj)},
    {MP_ROM_QSTR(MP_QSTR_reset_state), MP_ROM_PTR(&model_reset_state_obj)},
    {MP_ROM_QSTR(MP_QSTR_info), MP_ROM_PTR(&model_info_obj)},
    {MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&model_close_obj)},
    {MP_ROM_QSTR(MP_QSTR___enter__), MP_ROM_PTR(&mp_identity_obj)},
    {MP_ROM_QSTR(MP_QSTR___exit__), MP_ROM_PTR(&model_exit_obj)},
    {MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&model_close_obj)},
};
static MP_DEFINE_CONST_DICT(model_locals, model_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(xn_model_type, MP_QSTR_Model, MP_TYPE_FLAG_NONE, make_new, model_make_new,
                         print, model_print, attr, model_attr, locals_dict, &model_locals);
