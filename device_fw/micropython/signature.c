// What a Python function says of its parameters, read from the head of its bytecode.
#include "micropython/signature.h"

#include "py/bc.h"
#include "py/objfun.h"
#include "py/objtuple.h"
#include "py/runtime.h"

// As in Python's inspect.
enum { PLAIN = 1, VAR_POSITIONAL = 2, KEYWORD_ONLY = 3, VAR_KEYWORD = 4 };

typedef struct prelude {
    const byte *names; // of the function, then of its parameters
    size_t flags, positional, keyword_only, defaults;
} prelude;

static bool is_python(mp_obj_t function) {
    return mp_obj_is_type(function, &mp_type_fun_bc) || mp_obj_is_type(function, &mp_type_gen_wrap);
}

static prelude read_prelude(const mp_obj_fun_bc_t *function) {
    const byte *ip = function->bytecode;
    MP_BC_PRELUDE_SIG_DECODE(ip);
    MP_BC_PRELUDE_SIZE_DECODE(ip);
    return (prelude){ip, scope_flags, n_pos_args, n_kwonly_args, n_def_pos_args};
}

static qstr next_name(const mp_obj_fun_bc_t *function, const byte **names) {
    qstr name = (qstr)mp_decode_uint(names);
#if MICROPY_EMIT_BYTECODE_USES_QSTR_TABLE
    name = function->context->constants.qstr_table[name];
#else
    (void)function;
#endif
    return name;
}

bool xn_signature_source(mp_obj_t function, qstr *source, qstr *name) {
    if (!is_python(function)) {
        return false;
    }
    const mp_obj_fun_bc_t *f = MP_OBJ_TO_PTR(function);
    prelude head = read_prelude(f);
    *name = next_name(f, &head.names);
#if MICROPY_EMIT_BYTECODE_USES_QSTR_TABLE
    *source = f->context->constants.qstr_table[0];
#else
    *source = MP_QSTRnull;
#endif
    return true;
}

static mp_obj_t text_of(mp_obj_t value) {
    vstr_t text;
    mp_print_t print;
    vstr_init_print(&text, 16, &print);
    mp_obj_print_helper(&print, value, PRINT_REPR);
    return mp_obj_new_str_from_vstr(&text);
}

// MP_OBJ_NULL as the default: it has none.
static void add(mp_obj_t list, qstr name, int kind, mp_obj_t otherwise) {
    mp_obj_t items[3] = {MP_OBJ_NEW_QSTR(name), MP_OBJ_NEW_SMALL_INT(kind), MP_OBJ_NULL};
    if (otherwise != MP_OBJ_NULL) {
        items[2] = text_of(otherwise);
    }
    mp_obj_list_append(list, mp_obj_new_tuple(otherwise != MP_OBJ_NULL ? 3 : 2, items));
}

static void add_positional(mp_obj_t list, const mp_obj_fun_bc_t *f, prelude *head) {
    size_t without = head->positional - head->defaults;
    for (size_t i = 0; i < head->positional; i++) {
        qstr name = next_name(f, &head->names);
        add(list, name, PLAIN, i < without ? MP_OBJ_NULL : f->extra_args[i - without]);
    }
}

static void add_keyword_only(mp_obj_t list, const mp_obj_fun_bc_t *f, prelude *head) {
    for (size_t i = 0; i < head->keyword_only; i++) {
        qstr name = next_name(f, &head->names);
        mp_map_elem_t *found = NULL;
        if (head->flags & MP_SCOPE_FLAG_DEFKWARGS) {
            mp_map_t *defaults = mp_obj_dict_get_map(f->extra_args[head->defaults]);
            found = mp_map_lookup(defaults, MP_OBJ_NEW_QSTR(name), MP_MAP_LOOKUP);
        }
        add(list, name, KEYWORD_ONLY, found != NULL ? found->value : MP_OBJ_NULL);
    }
}

// The names of *args and **kwargs are not in the bytecode.
mp_obj_t xn_signature(mp_obj_t function) {
    if (!is_python(function)) {
        return mp_const_none;
    }
    const mp_obj_fun_bc_t *f = MP_OBJ_TO_PTR(function);
    prelude head = read_prelude(f);
    next_name(f, &head.names);
    mp_obj_t list = mp_obj_new_list(0, NULL);
    add_positional(list, f, &head);
    if (head.flags & MP_SCOPE_FLAG_VARARGS) {
        add(list, MP_QSTR_args, VAR_POSITIONAL, MP_OBJ_NULL);
    }
    add_keyword_only(list, f, &head);
    if (head.flags & MP_SCOPE_FLAG_VARKEYWORDS) {
        add(list, MP_QSTR_kwargs, VAR_KEYWORD, MP_OBJ_NULL);
    }
    return list;
}
