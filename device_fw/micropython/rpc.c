// @xipnet.rpc and xipnet.emit.
#include "micropython/rpc.h"

#include "micropython/docstring.h"
#include "micropython/signature.h"

#include "micropython/vm.h"
#include "micropython/vm_msgpack.h"

#include "py/builtin.h"
#include "py/objfun.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#include <string.h>

#include "core/link/xn_link.h"
#include "core/rpc/xn_event.h"
#include "core/rpc/xn_lane.h"

// Name -> (function, docstring, or None if it is still in its file).
MP_REGISTER_ROOT_POINTER(mp_obj_t xn_rpc_functions);

static struct {
    const char *text; // NULL: none
    size_t n;
} source;

// The VM keeps the names of keywords until it restarts: a host must not fill its memory with them.
#define NEW_NAMES_BYTES 4096u
#define NAME_BYTES 8u // that the VM takes beside the text
static size_t new_names_bytes;

void xn_rpc_forget(void) {
    MP_STATE_VM(xn_rpc_functions) = MP_OBJ_NULL;
    new_names_bytes = 0;
    source.text = NULL;
}

void xn_rpc_set_source(const char *text, size_t n) {
    source.text = text;
    source.n = n;
}

// ---- Registering --------------------------------------------------------------------------------

static mp_obj_t functions(void) {
    if (MP_STATE_VM(xn_rpc_functions) == MP_OBJ_NULL) {
        MP_STATE_VM(xn_rpc_functions) = mp_obj_new_dict(0);
    }
    return MP_STATE_VM(xn_rpc_functions);
}

static mp_obj_t name_of(mp_obj_t function) {
    qstr file, name;
    if (!xn_signature_source(function, &file, &name)) {
        mp_raise_TypeError(MP_ERROR_TEXT("not a plain function: give a name, rpc(f, 'name')"));
    }
    return MP_OBJ_NEW_QSTR(name);
}

static mp_obj_t docstring_at_hand(mp_obj_t function) {
    qstr file, name;
    if (!xn_signature_source(function, &file, &name)) {
        return mp_obj_new_str("", 0);
    }
    if (file == qstr_from_str(XN_RPC_FILE) && source.text != NULL) {
        return xn_docstring(source.text, source.n, qstr_str(name));
    }
    return mp_const_none;
}

static mp_obj_t rpc_register(size_t n_args, const mp_obj_t *args) {
    if (!mp_obj_is_callable(args[0])) {
        mp_raise_TypeError(MP_ERROR_TEXT("rpc takes a function"));
    }
    mp_obj_t name = n_args > 1 ? args[1] : name_of(args[0]);
    mp_obj_t doc = n_args > 2 ? args[2] : docstring_at_hand(args[0]);
    mp_obj_str_get_str(name);
    mp_obj_t items[2] = {args[0], doc};
    mp_obj_dict_store(functions(), name, mp_obj_new_tuple(2, items));
    return args[0];
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(xn_rpc_register_obj, 1, 3, rpc_register);

// ---- call ---------------------------------------------------------------------------------------

static uint32_t read_count(xn_reader *r, enum xn_msgpack_type type) {
    xn_msgpack_value v;
    if (xn_msgpack_read(r, &v) != 0 || v.type != type) {
        mp_raise_ValueError(MP_ERROR_TEXT("malformed msgpack"));
    }
    return v.count;
}

static mp_obj_t argument_name(xn_reader *r) {
    mp_obj_t name = xn_vm_unpack(r);
    size_t n;
    const char *text = mp_obj_str_get_data(name, &n);
    if (qstr_find_strn(text, n) == MP_QSTRnull) {
        if (n + NAME_BYTES > NEW_NAMES_BYTES - new_names_bytes) {
            mp_raise_ValueError(MP_ERROR_TEXT("too many new keyword names"));
        }
        new_names_bytes += n + NAME_BYTES;
    }
    return MP_OBJ_NEW_QSTR(qstr_from_strn(text, n));
}

static mp_obj_t call_with(mp_obj_t function, const xn_lane_request *request) {
    xn_reader r = xn_reader_of(request->params, request->params_bytes);
    xn_reader named = r;
    (void)xn_msgpack_skip(&named); // to the map
    xn_reader pairs = named;
    uint32_t count = read_count(&r, XN_MSGPACK_ARRAY);
    uint32_t names = read_count(&pairs, XN_MSGPACK_MAP);
    size_t all = count + 2u * names, n;
    mp_obj_t *args;
    mp_obj_get_array(mp_obj_new_list(all, NULL), &n, &args);
    for (size_t i = 0; i < all; i++) {
        args[i] = mp_const_none; // the collector may come while the next are made
    }
    for (size_t i = 0; i < count; i++) {
        args[i] = xn_vm_unpack(&r);
    }
    for (size_t i = count; i < all; i += 2) {
        args[i] = argument_name(&pairs);
        args[i + 1] = xn_vm_unpack(&pairs);
    }
    return mp_call_function_n_kw(function, count, names, args);
}

mp_obj_t xn_rpc_call(const xn_lane_request *request) {
    mp_map_t *map = mp_obj_dict_get_map(functions());
    mp_obj_t name = mp_obj_new_str(request->text, request->text_bytes);
    mp_map_elem_t *found = mp_map_lookup(map, name, MP_MAP_LOOKUP);
    if (found == NULL) {
        return MP_OBJ_NULL;
    }
    return call_with(((mp_obj_tuple_t *)MP_OBJ_TO_PTR(found->value))->items[0], request);
}

// ---- rpc_list -----------------------------------------------------------------------------------

static mp_obj_t read_file(qstr name) {
    mp_obj_t path = MP_OBJ_NEW_QSTR(name);
    mp_obj_t file = mp_call_function_1(MP_OBJ_FROM_PTR(&mp_builtin_open_obj), path);
    mp_obj_t method[2];
    mp_load_method(file, MP_QSTR_read, method);
    mp_obj_t text = mp_call_method_n_kw(0, 0, method);
    mp_load_method(file, MP_QSTR_close, method);
    mp_call_method_n_kw(0, 0, method);
    return text;
}

// The file may be gone, too large or not text: then there is no docstring.
static mp_obj_t docstring_in_file(mp_obj_t function) {
    qstr file, name;
    size_t n;
    nlr_buf_t nlr;
    if (!xn_signature_source(function, &file, &name) || nlr_push(&nlr) != 0) {
        return mp_obj_new_str("", 0);
    }
    const char *text = mp_obj_str_get_data(read_file(file), &n);
    mp_obj_t doc = xn_docstring(text, n, qstr_str(name));
    nlr_pop();
    return doc;
}

static mp_obj_t describe(mp_obj_t name, mp_obj_tuple_t *entry) {
    if (entry->items[1] == mp_const_none) {
        entry->items[1] = docstring_in_file(entry->items[0]);
    }
    mp_obj_t items[3] = {name, xn_signature(entry->items[0]), entry->items[1]};
    return mp_obj_new_tuple(3, items);
}

mp_obj_t xn_rpc_list(const xn_lane_request *request, size_t count) {
    xn_reader r = xn_reader_of(request->params, request->params_bytes);
    uint32_t first = 0;
    (void)xn_msgpack_read_u32(&r, &first);
    const mp_map_t *map = mp_obj_dict_get_map(functions());
    mp_obj_t list = mp_obj_new_list(0, NULL);
    size_t seen = 0;
    for (size_t i = 0; i < map->alloc; i++) {
        if (mp_map_slot_is_filled(map, i) && seen++ >= first && seen - first <= count) {
            mp_map_elem_t slot = map->table[i];
            mp_obj_list_append(list, describe(slot.key, MP_OBJ_TO_PTR(slot.value)));
        }
    }
    return list;
}

// ---- emit ---------------------------------------------------------------------------------------

static void emit(uint32_t number, size_t n_args, const mp_obj_t *args) {
    size_t n;
    const char *topic = mp_obj_str_get_data(args[0], &n);
    xn_msgpack_writer w;
    xn_msgpack_begin(&w, xn_vm_frame, XN_FRAME_MAX);
    xn_msgpack_put_array(&w, 3);
    xn_msgpack_put_uint(&w, 2);
    xn_msgpack_put_text(&w, "event");
    xn_msgpack_put_array(&w, 3);
    xn_msgpack_put_uint(&w, number);
    xn_msgpack_put_str(&w, topic, (uint32_t)n);
    xn_vm_pack(&w, n_args > 1 ? args[1] : mp_const_none);
    if (w.full) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("event must fit %u bytes"),
                          (unsigned)XN_FRAME_MAX);
    }
    xn_event_send(xn_vm_frame, w.used);
}

// To every host that wants events.
static mp_obj_t rpc_emit(size_t n_args, const mp_obj_t *args) {
    nlr_buf_t nlr;
    uint32_t number, outer = xn_link_line;
    bool sent = false;
    mp_obj_str_get_str(args[0]);
    if (nlr_push(&nlr) != 0) {
        xn_link_line = outer;
        nlr_jump(nlr.ret_val);
    }
    for (xn_link_line = 0; xn_link_line < XN_LINK_LINES; xn_link_line++) {
        if (xn_event_next(&number)) {
            emit(number, n_args, args);
            sent = true;
        }
    }
    nlr_pop();
    xn_link_line = outer;
    return mp_obj_new_bool(sent);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(xn_rpc_emit_obj, 1, 2, rpc_emit);
