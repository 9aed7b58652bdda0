#include "micropython/store_module.h"
#include "micropython/store_vfs.h"

#include "micropython/model_run.h"
#include "micropython/model_type.h"

#include "core/model/xn_active.h"
#include "core/base/xn_error.h"
#include "core/rpc/xn_install.h"
#include "core/trust/xn_policy.h"

#include "py/objarray.h"
#include "py/runtime.h"

#include <string.h>

// Indexed by enum xn_store_type.
static const qstr type_names[] = {MP_QSTR_,        MP_QSTR_blob, MP_QSTR_script, MP_QSTR_data,
                                  MP_QSTR_weights, MP_QSTR_,     MP_QSTR_bundle};

mp_obj_t xn_store_module_describe(const xn_store_object *object) {
    qstr type = object->type < MP_ARRAY_SIZE(type_names) ? type_names[object->type] : MP_QSTR_;
    const struct {
        qstr key;
        mp_obj_t value;
    } entries[] = {
        {MP_QSTR_name, mp_obj_new_str_from_cstr(object->name)},
        {MP_QSTR_type, MP_OBJ_NEW_QSTR(type)},
        {MP_QSTR_size, mp_obj_new_int_from_uint(object->size)},
        {MP_QSTR_version, mp_obj_new_int_from_uint(object->version)},
        {MP_QSTR_address, mp_obj_new_int_from_uint((mp_uint_t)(uintptr_t)xn_store_map(object))},
        {MP_QSTR_active, mp_obj_new_bool(strcmp(object->name, xn_store_active()) == 0)},
    };
    mp_obj_t dict = mp_obj_new_dict(MP_ARRAY_SIZE(entries));
    for (size_t i = 0; i < MP_ARRAY_SIZE(entries); i++) {
        mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(entries[i].key), entries[i].value);
    }
    return dict;
}

static mp_obj_t store_list(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    xn_store_object object;
    for (uint32_t cursor = 0; xn_store_next_member(&cursor, &object) > 0;) {
        mp_obj_list_append(list, xn_store_module_describe(&object));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(store_list_obj, store_list);

static mp_obj_t store_read(mp_obj_t name_in) {
    char name[XN_STORE_NAME_MAX + 1];
    xn_store_object object;
    xn_model_name(name_in, name);
    xn_model_check(xn_store_find_whole(name, &object));
    const uint8_t *bytes = xn_store_map(&object);
#if XN_LOCKABLE
    if (xn_policy_locked() && !xn_store_vfs_pin(bytes, object.size)) {
        return mp_obj_new_bytes(bytes, object.size);
    }
#endif
    return mp_obj_new_memoryview('B', object.size, (void *)bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_1(store_read_obj, store_read);

// What a script makes, or takes away, has no seal.
static void check_unlocked(const char *what) {
    if (xn_policy_locked()) {
        xn_model_check(xn_error_plain(XN_E_LOCKED, what));
    }
}

static mp_obj_t store_write(mp_obj_t name_in, mp_obj_t data) {
    char name[XN_STORE_NAME_MAX + 1];
    mp_buffer_info_t from;
    check_unlocked("store.write");
    mp_event_handle_nowait(); // a builtin such as map() may do this for ever
    xn_model_name(name_in, name);
    mp_get_buffer_raise(data, &from, MP_BUFFER_READ);
    xn_model_check(xn_install_bytes(name, from.buf, (uint32_t)from.len));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(store_write_obj, store_write);

static mp_obj_t store_delete(mp_obj_t name_in) {
    char name[XN_STORE_NAME_MAX + 1];
    check_unlocked("store.delete");
    mp_event_handle_nowait();
    xn_model_name(name_in, name);
    xn_model_check(xn_active_remove(name));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(store_delete_obj, store_delete);

static mp_obj_t store_free(void) {
    return mp_obj_new_int_from_uint(xn_store_free_bytes());
}
static MP_DEFINE_CONST_FUN_OBJ_0(store_free_obj, store_free);

static const mp_rom_map_elem_t store_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_store)},
    {MP_ROM_QSTR(MP_QSTR_list), MP_ROM_PTR(&store_list_obj)},
    {MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&store_read_obj)},
    {MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&store_write_obj)},
    {MP_ROM_QSTR(MP_QSTR_delete), MP_ROM_PTR(&store_delete_obj)},
    {MP_ROM_QSTR(MP_QSTR_free), MP_ROM_PTR(&store_free_obj)},
};
static MP_DEFINE_CONST_DICT(store_globals, store_globals_table);

const mp_obj_module_t xn_store_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&store_globals,
};
