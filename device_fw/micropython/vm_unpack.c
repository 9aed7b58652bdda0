// MessagePack as Python values.
#include "micropython/vm_msgpack.h"

#include "micropython/array_type.h"

#include "py/objint.h"
#include "py/objtuple.h"
#include "py/runtime.h"

static mp_obj_t unpack(xn_reader *r, uint32_t depth, bool as_key);

static _Noreturn void malformed(void) {
    mp_raise_ValueError(MP_ERROR_TEXT("malformed msgpack"));
}

// Two's complement, big-endian. The VM can read such bytes only as unsigned.
static mp_obj_t unpack_long(const uint8_t *bytes, uint32_t n) {
    if (n == 0) {
        malformed();
    }
    mp_obj_t value = mp_obj_int_from_bytes_impl(true, n, bytes);
    if (bytes[0] & 0x80) {
        mp_obj_t bits = mp_obj_new_int_from_uint(8u * n);
        mp_obj_t span = mp_binary_op(MP_BINARY_OP_LSHIFT, MP_OBJ_NEW_SMALL_INT(1), bits);
        value = mp_binary_op(MP_BINARY_OP_SUBTRACT, value, span);
    }
    return value;
}

// The VM's own function makes a big integer of every number, which bytes(n), for example, refuses.
static mp_obj_t unpack_integer(int64_t number) {
    bool fits = number >= INT32_MIN && number <= INT32_MAX;
    return fits ? mp_obj_new_int((mp_int_t)number) : mp_obj_new_int_from_ll(number);
}

static mp_obj_t unpack_ext(const xn_msgpack_value *v) {
    switch (v->integer) {
    case XN_EXT_INT:
        return unpack_long(v->bytes, v->count);
    case XN_EXT_ARRAY:
        return xn_array_type_unpack(v->bytes, v->count);
    default:
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("msgpack ext %d is unknown"),
                          (int)v->integer);
    }
}

// A key must not change, so it gets a tuple.
static mp_obj_t unpack_items(xn_reader *r, uint32_t count, uint32_t depth, bool as_key) {
    mp_obj_t made = as_key ? mp_obj_new_tuple(count, NULL) : mp_obj_new_list(count, NULL);
    size_t n;
    mp_obj_t *items;
    mp_obj_get_array(made, &n, &items);
    for (size_t i = 0; i < n; i++) {
        items[i] = mp_const_none; // the collector may come while the next are made
    }
    for (size_t i = 0; i < n; i++) {
        items[i] = unpack(r, depth + 1, as_key);
    }
    return made;
}

static mp_obj_t unpack_map(xn_reader *r, uint32_t count, uint32_t depth) {
    mp_obj_t dict = mp_obj_new_dict(count);
    for (uint32_t i = 0; i < count; i++) {
        mp_obj_t key = unpack(r, depth + 1, true);
        mp_obj_dict_store(dict, key, unpack(r, depth + 1, false));
    }
    return dict;
}

static mp_obj_t unpack(xn_reader *r, uint32_t depth, bool as_key) {
    xn_msgpack_value v;
    if (depth > XN_MSGPACK_DEPTH || xn_msgpack_read(r, &v) != 0) {
        malformed();
    }
    switch (v.type) {
    case XN_MSGPACK_BOOL:
        return mp_obj_new_bool(v.boolean);
    case XN_MSGPACK_INT:
        return unpack_integer(v.integer);
    case XN_MSGPACK_UINT:
        return mp_obj_new_int_from_ull((uint64_t)v.integer);
    case XN_MSGPACK_FLOAT:
        return mp_obj_new_float((mp_float_t)v.real);
    case XN_MSGPACK_STR:
        return mp_obj_new_str((const char *)v.bytes, v.count); // UnicodeError if it is no UTF-8
    case XN_MSGPACK_BIN:
        return mp_obj_new_bytes(v.bytes, v.count);
    case XN_MSGPACK_ARRAY:
        return unpack_items(r, v.count, depth, as_key);
    case XN_MSGPACK_MAP:
        return unpack_map(r, v.count, depth);
    case XN_MSGPACK_EXT:
        return unpack_ext(&v);
    default:
        return mp_const_none;
    }
}

mp_obj_t xn_vm_unpack(xn_reader *r) {
    return unpack(r, 0, false);
}
