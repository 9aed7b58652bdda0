// The module `xipnet`: what Python on the board sees of the store, the models and the board. It
// uses the core alone, and also builds into other MicroPython ports as a user C module.
#include "micropython/array_type.h"
#include "micropython/model_run.h"
#include "micropython/model_type.h"
#include "micropython/preprocess.h"
#include "micropython/rpc.h"
#include "micropython/sensor.h"
#include "micropython/store_module.h"
#ifdef XN_USER_MODULE
#include "micropython/usermod/serve.h"
#endif

#include "core/model/xn_active.h"
#include "core/base/xn_error.h"
#include "core/model/xn_pool.h"
#include "core/base/xn_port.h"
#include "core/store/xn_store.h"

#include "py/runtime.h"

#include <string.h>

static void put(mp_obj_t dict, qstr key, mp_obj_t value) {
    mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(key), value);
}

static mp_obj_t text_of(const char *text) {
    return mp_obj_new_str_from_cstr(text);
}

static mp_obj_t number_of(uint32_t value) {
    return mp_obj_new_int_from_uint(value);
}

// ---- Models -------------------------------------------------------------------------------------

static mp_obj_t xipnet_models(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    xn_store_object object;
    for (uint32_t cursor = 0; xn_store_next_member(&cursor, &object) > 0;) {
        if (object.type == XN_STORE_BLOB) {
            mp_obj_list_append(list, xn_store_module_describe(&object));
        }
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(xipnet_models_obj, xipnet_models);

static mp_obj_t xipnet_activate(mp_obj_t name_in) {
    char name[XN_STORE_NAME_MAX + 1];
    xn_model_name(name_in, name);
    xn_model_check(xn_active_set(name));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(xipnet_activate_obj, xipnet_activate);

static xn_runner_model *active_model(void) {
    xn_runner_model *model = xn_active_model(NULL);
    if (model == NULL) {
        xn_model_check(xn_active_why_none());
    }
    return model;
}

static mp_obj_t xipnet_run(size_t n, const mp_obj_t *inputs, mp_map_t *kw) {
    xn_model_call call = xn_model_call_of(n, inputs, kw);
    return xn_model_run(active_model(), &call);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(xipnet_run_obj, 0, xipnet_run);

static mp_obj_t xipnet_detect(size_t n, const mp_obj_t *inputs, mp_map_t *kw) {
    xn_model_call call = xn_model_call_of(n, inputs, kw);
    return xn_model_detect(active_model(), &call);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(xipnet_detect_obj, 0, xipnet_detect);

static mp_obj_t xipnet_classify(size_t n, const mp_obj_t *inputs, mp_map_t *kw) {
    xn_model_call call = xn_model_call_of(n, inputs, kw);
    return xn_model_classify(active_model(), &call);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(xipnet_classify_obj, 0, xipnet_classify);

static mp_obj_t xipnet_run_head(size_t n, const mp_obj_t *inputs, mp_map_t *kw) {
    xn_model_call call = xn_model_call_of(n, inputs, kw);
    return xn_model_run_head(active_model(), &call);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(xipnet_run_head_obj, 0, xipnet_run_head);

// ---- The board ----------------------------------------------------------------------------------

static mp_obj_t flash_info(void) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    mp_obj_t dict = mp_obj_new_dict(3);
    put(dict, MP_QSTR_size, number_of(flash->size_bytes));
    put(dict, MP_QSTR_sector, number_of(flash->sector_bytes));
    put(dict, MP_QSTR_free, number_of(xn_store_free_bytes()));
    return dict;
}

static mp_obj_t boot_info(void) {
    const xn_port_boot *boot = xn_port_boot_report();
    mp_obj_t dict = mp_obj_new_dict(7);
    put(dict, MP_QSTR_cause, number_of(boot->cause));
    put(dict, MP_QSTR_resets, number_of(boot->resets));
    put(dict, MP_QSTR_fault_step, mp_obj_new_int(boot->fault_step));
    put(dict, MP_QSTR_pc, number_of(boot->pc));
    put(dict, MP_QSTR_address, number_of(boot->address));
    put(dict, MP_QSTR_cfsr, number_of(boot->cfsr));
    put(dict, MP_QSTR_hfsr, number_of(boot->hfsr));
    return dict;
}

static mp_obj_t xipnet_info(void) {
    const xn_port_cpu *cpu = xn_port_identity();
    mp_obj_t dict = mp_obj_new_dict(8);
    put(dict, MP_QSTR_board, text_of(cpu->board));
    put(dict, MP_QSTR_cpu, text_of(cpu->cpu));
    put(dict, MP_QSTR_features, number_of(cpu->features));
    put(dict, MP_QSTR_arena, number_of(xn_pool_bytes()));
    put(dict, MP_QSTR_arena_free, number_of(xn_pool_largest()));
    put(dict, MP_QSTR_stack, number_of(xn_port_step_stack()));
    put(dict, MP_QSTR_flash, flash_info());
    put(dict, MP_QSTR_boot, boot_info());
    return dict;
}
static MP_DEFINE_CONST_FUN_OBJ_0(xipnet_info_obj, xipnet_info);

// Unlike time.ticks_us() this does not wrap.
static mp_obj_t xipnet_ticks_us(void) {
    return mp_obj_new_int_from_ull(xn_port_time_us());
}
static MP_DEFINE_CONST_FUN_OBJ_0(xipnet_ticks_us_obj, xipnet_ticks_us);

// ---- The module ---------------------------------------------------------------------------------

static const mp_rom_map_elem_t xipnet_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_xipnet)},
    {MP_ROM_QSTR(MP_QSTR_Error), MP_ROM_PTR(&mp_type_XipnetError)},
    {MP_ROM_QSTR(MP_QSTR_Model), MP_ROM_PTR(&xn_model_type)},
    {MP_ROM_QSTR(MP_QSTR_models), MP_ROM_PTR(&xipnet_models_obj)},
    {MP_ROM_QSTR(MP_QSTR_activate), MP_ROM_PTR(&xipnet_activate_obj)},
    {MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&xipnet_run_obj)},
    {MP_ROM_QSTR(MP_QSTR_detect), MP_ROM_PTR(&xipnet_detect_obj)},
    {MP_ROM_QSTR(MP_QSTR_classify), MP_ROM_PTR(&xipnet_classify_obj)},
    {MP_ROM_QSTR(MP_QSTR_run_head), MP_ROM_PTR(&xipnet_run_head_obj)},
    {MP_ROM_QSTR(MP_QSTR_info), MP_ROM_PTR(&xipnet_info_obj)},
    {MP_ROM_QSTR(MP_QSTR_ticks_us), MP_ROM_PTR(&xipnet_ticks_us_obj)},
    {MP_ROM_QSTR(MP_QSTR_store), MP_ROM_PTR(&xn_store_module)},
    {MP_ROM_QSTR(MP_QSTR_preprocess), MP_ROM_PTR(&xn_preprocess_module)},
    {MP_ROM_QSTR(MP_QSTR_rpc), MP_ROM_PTR(&xn_rpc_register_obj)},
    {MP_ROM_QSTR(MP_QSTR_emit), MP_ROM_PTR(&xn_rpc_emit_obj)},
    {MP_ROM_QSTR(MP_QSTR_Array), MP_ROM_PTR(&xn_array_type)},
#ifdef XN_SENSORS_BASE
    {MP_ROM_QSTR(MP_QSTR_Camera), MP_ROM_PTR(&xn_sensor_camera_obj)},
    {MP_ROM_QSTR(MP_QSTR_Mic), MP_ROM_PTR(&xn_sensor_mic_obj)},
#endif
#ifdef XN_USER_MODULE
    {MP_ROM_QSTR(MP_QSTR___init__), MP_ROM_PTR(&xn_serve_init_obj)},
    {MP_ROM_QSTR(MP_QSTR_serve), MP_ROM_PTR(&xn_serve_obj)},
#endif
};
static MP_DEFINE_CONST_DICT(xipnet_globals, xipnet_globals_table);

const mp_obj_module_t xn_modxipnet = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&xipnet_globals,
};

MP_REGISTER_MODULE(MP_QSTR_xipnet, xn_modxipnet);
