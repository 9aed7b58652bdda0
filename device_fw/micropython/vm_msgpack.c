// Python values as MessagePack.
#include "micropython/vm_msgpack.h"

#include "micropython/array_type.h"

#include "py/objint.h"
#include "py/objtuple.h"
#include "py/runtime.h"

static void pack(xn_msgpack_writer *w, mp_obj_t value, uint32_t depth);

static void pack_big(xn_msgpack_writer *w, const mpz_t *big) {
    uint32_t n = (uint32_t)big->len * MPZ_DIG_SIZE / 8u + 2u; // rounded up, and the sign
    uint8_t *to = xn_msgpack_put_ext_space(w, XN_EXT_INT, n);
    if (to != NULL) {
        mpz_as_bytes(big, true, big->neg, n, to);
    }
}

// An integer that is no small one. MicroPython's own ways to its bytes differ between versions.
static void pack_long(xn_msgpack_writer *w, mp_obj_t value) {
    const mpz_t *big = &((mp_obj_int_t *)MP_OBJ_TO_PTR(value))->mpz;
    union {
        uint8_t bytes[8]; // little-endian, as the machine
        int64_t as_signed;
        uint64_t as_unsigned;
    } word = {{0}};
    bool fits = mpz_as_bytes(big, false, big->neg, sizeof word.bytes, word.bytes);
    bool negative = mp_obj_int_sign(value) < 0;
    // Cut to 64 bits, -2^63 - 1 and below come out positive.
    if (!fits || (negative && word.as_signed >= 0)) {
        pack_big(w, big);
    } else if (negative) {
        xn_msgpack_put_int(w, word.as_signed);
    } else {
        xn_msgpack_put_uint(w, word.as_unsigned);
    }
}

static void pack_float(xn_msgpack_writer *w, mp_float_t value) {
#if MICROPY_FLOAT_IMPL == MICROPY_FLOAT_IMPL_DOUBLE
    xn_msgpack_put_double(w, value);
#else
    xn_msgpack_put_float(w, value);
#endif
}

// A tuple of any make, a named one included.
static bool is_tuple(mp_obj_t value) {
    return mp_obj_is_obj(value) &&
           MP_OBJ_TYPE_GET_SLOT_OR_NULL(mp_obj_get_type(value), iter) == mp_obj_tuple_getiter;
}

static void pack_items(xn_msgpack_writer *w, mp_obj_t value, uint32_t depth) {
    size_t n;
    mp_obj_t *items;
    mp_obj_get_array(value, &n, &items);
    xn_msgpack_put_array(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        pack(w, items[i], depth + 1);
    }
}

static void pack_dict(xn_msgpack_writer *w, mp_obj_t value, uint32_t depth) {
    const mp_map_t *map = mp_obj_dict_get_map(value);
    xn_msgpack_put_map(w, (uint32_t)map->used);
    for (size_t i = 0; i < map->alloc; i++) {
        if (!mp_map_slot_is_filled(map, i)) {
            continue;
        }
        pack(w, map->table[i].key, depth + 1);
        pack(w, map->table[i].value, depth + 1);
    }
}

static void pack(xn_msgpack_writer *w, mp_obj_t value, uint32_t depth) {
    if (depth > XN_MSGPACK_DEPTH) {
        mp_raise_ValueError(MP_ERROR_TEXT("value is nested too deep"));
    }
    if (value == mp_const_none) {
        xn_msgpack_put_nil(w);
    } else if (mp_obj_is_bool(value)) {
        xn_msgpack_put_bool(w, value == mp_const_true);
    } else if (mp_obj_is_small_int(value)) {
        xn_msgpack_put_int(w, MP_OBJ_SMALL_INT_VALUE(value));
    } else if (mp_obj_is_int(value)) {
        pack_long(w, value);
    } else if (mp_obj_is_float(value)) {
        pack_float(w, mp_obj_get_float(value));
    } else if (mp_obj_is_str(value)) {
        size_t n;
        const char *text = mp_obj_str_get_data(value, &n);
        xn_msgpack_put_str(w, text, (uint32_t)n);
    } else if (mp_obj_is_type(value, &mp_type_list) || is_tuple(value)) {
        pack_items(w, value, depth);
    } else if (mp_obj_is_dict_or_ordereddict(value)) {
        pack_dict(w, value, depth);
    } else {
        xn_array_type_pack(w, value);
    }
}

void xn_vm_pack(xn_msgpack_writer *w, mp_obj_t value) {
    pack(w, value, 0);
}
