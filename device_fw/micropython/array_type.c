// xipnet.Array(items, shape): a buffer with a shape, as NumPy arrays come over the wire.
#include "micropython/array_type.h"

#include "micropython/vm_msgpack.h"

#include "py/binary.h"
#include "py/objarray.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#include <string.h>

#define DIMENSIONS_MAX 8u
#define HEAD_BYTES(dimensions) (2u + 4u * (dimensions))

typedef struct array_object {
    mp_obj_base_t base;
    mp_obj_t items; // a buffer
    mp_obj_t shape; // a tuple of int, whose product is the number of items
} array_object;

// ---- Type codes ---------------------------------------------------------------------------------

// As on the wire, where l and L have the machine's size. 0: the wire carries no such type.
static char wire_code(int code) {
    if (code == BYTEARRAY_TYPECODE) {
        return 'B';
    }
    if (code == 'l' || code == 'L') {
        return code == 'l' ? 'i' : 'I';
    }
    return code != 0 && strchr("bBhHiIqQfd", code) != NULL ? (char)code : 0;
}

static uint32_t item_bytes(char code) {
    return (uint32_t)mp_binary_get_size('@', code, NULL);
}

// The number of items of a shape; more than a buffer can have becomes UINT32_MAX.
static uint32_t item_count(size_t dimensions, const uint32_t *sizes) {
    uint64_t count = 1;
    bool empty = false;
    for (size_t i = 0; i < dimensions; i++) {
        empty = empty || sizes[i] == 0;
        count = MIN(count * sizes[i], UINT32_MAX);
    }
    return empty ? 0 : (uint32_t)count;
}

// ---- Writing ------------------------------------------------------------------------------------

static char code_of(const mp_buffer_info_t *from) {
    char code = wire_code(from->typecode);
    if (code == 0) {
        mp_raise_TypeError(MP_ERROR_TEXT("msgpack cannot carry an array of this type code"));
    }
    return code;
}

static void put_u32(uint8_t *to, uint32_t number) {
    for (uint32_t i = 0; i < 4; i++) {
        to[i] = (uint8_t)(number >> (8u * i));
    }
}

static void pack_shaped(xn_msgpack_writer *w, const mp_buffer_info_t *from, size_t dimensions,
                        const mp_obj_t *shape) {
    char code = code_of(from);
    uint32_t head = HEAD_BYTES((uint32_t)dimensions);
    uint8_t *to = xn_msgpack_put_ext_space(w, XN_EXT_ARRAY, head + (uint32_t)from->len);
    if (to == NULL) {
        return;
    }
    to[0] = (uint8_t)code;
    to[1] = (uint8_t)dimensions;
    for (size_t i = 0; i < dimensions; i++) {
        put_u32(to + HEAD_BYTES(i), (uint32_t)mp_obj_get_int(shape[i]));
    }
    if (from->len > 0) { // of none the place is NULL, which memcpy() may not be given
        memcpy(to + head, from->buf, from->len);
    }
}

static bool is_bytes_like(mp_obj_t value, const mp_buffer_info_t *from) {
    bool octets = from->typecode == 'B' || from->typecode == BYTEARRAY_TYPECODE;
    return octets && !mp_obj_is_type(value, &mp_type_array);
}

void xn_array_type_pack(xn_msgpack_writer *w, mp_obj_t value) {
    mp_buffer_info_t from;
    if (!mp_get_buffer(value, &from, MP_BUFFER_READ)) {
        mp_raise_msg_varg(&mp_type_TypeError, MP_ERROR_TEXT("msgpack cannot carry %s"),
                          mp_obj_get_type_str(value));
    }
    if (mp_obj_is_type(value, &xn_array_type)) {
        size_t dimensions;
        mp_obj_t *shape;
        mp_obj_get_array(((array_object *)MP_OBJ_TO_PTR(value))->shape, &dimensions, &shape);
        pack_shaped(w, &from, dimensions, shape);
    } else if (is_bytes_like(value, &from)) {
        xn_msgpack_put_bin(w, from.buf, (uint32_t)from.len);
    } else {
        mp_obj_t count = mp_obj_new_int_from_uint(from.len / item_bytes(code_of(&from)));
        pack_shaped(w, &from, 1, &count);
    }
}

// ---- Reading ------------------------------------------------------------------------------------

static _Noreturn void malformed(void) {
    mp_raise_ValueError(MP_ERROR_TEXT("malformed array"));
}

static uint32_t get_u32(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static mp_obj_t new_items(char code, uint32_t count, const uint8_t *bytes, uint32_t n) {
    mp_obj_array_t *items = mp_obj_malloc(mp_obj_array_t, &mp_type_array);
    items->typecode = (uint8_t)code;
    items->free = 0;
    items->len = count;
    items->items = m_new(byte, n);
    if (n > 0) { // as in pack_shaped()
        memcpy(items->items, bytes, n);
    }
    return MP_OBJ_FROM_PTR(items);
}

static mp_obj_t new_array(mp_obj_t items, mp_obj_t shape) {
    array_object *self = mp_obj_malloc(array_object, &xn_array_type);
    self->items = items;
    self->shape = shape;
    return MP_OBJ_FROM_PTR(self);
}

mp_obj_t xn_array_type_unpack(const uint8_t *bytes, uint32_t n) {
    if (n < HEAD_BYTES(1) || wire_code(bytes[0]) != (char)bytes[0]) {
        malformed();
    }
    char code = (char)bytes[0];
    uint32_t dimensions = bytes[1];
    if (dimensions == 0 || dimensions > DIMENSIONS_MAX || n < HEAD_BYTES(dimensions)) {
        malformed();
    }
    uint32_t sizes[DIMENSIONS_MAX];
    mp_obj_t shape[DIMENSIONS_MAX];
    for (uint32_t i = 0; i < dimensions; i++) {
        sizes[i] = get_u32(bytes + HEAD_BYTES(i));
        shape[i] = mp_obj_new_int_from_uint(sizes[i]);
    }
    uint32_t count = item_count(dimensions, sizes);
    uint32_t left = n - HEAD_BYTES(dimensions);
    if ((uint64_t)count * item_bytes(code) != left) {
        malformed();
    }
    mp_obj_t items = new_items(code, count, bytes + n - left, left);
    return dimensions == 1 ? items : new_array(items, mp_obj_new_tuple(dimensions, shape));
}

// ---- The type -----------------------------------------------------------------------------------

static mp_obj_t array_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                               const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 2, 2, false);
    mp_buffer_info_t from;
    mp_get_buffer_raise(args[0], &from, MP_BUFFER_READ);
    uint32_t have = (uint32_t)from.len / item_bytes(code_of(&from));
    size_t dimensions;
    mp_obj_t *shape;
    uint32_t sizes[DIMENSIONS_MAX];
    mp_obj_get_array(args[1], &dimensions, &shape);
    for (size_t i = 0; i < MIN(dimensions, DIMENSIONS_MAX); i++) {
        mp_int_t size = mp_obj_get_int(shape[i]);
        sizes[i] = size < 0 ? UINT32_MAX : (uint32_t)size;
    }
    if (dimensions == 0 || dimensions > DIMENSIONS_MAX || item_count(dimensions, sizes) != have) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("shape does not hold %u items"),
                          (unsigned)have);
    }
    return new_array(args[0], mp_obj_new_tuple(dimensions, shape));
}

static mp_int_t array_get_buffer(mp_obj_t self_in, mp_buffer_info_t *info, mp_uint_t flags) {
    const array_object *self = MP_OBJ_TO_PTR(self_in);
    return mp_get_buffer(self->items, info, flags) ? 0 : 1;
}

// The flat index of a[i, j, ...].
static size_t flat_index(const array_object *self, mp_obj_t index) {
    size_t dimensions, given;
    mp_obj_t *sizes, *at;
    mp_obj_get_array(self->shape, &dimensions, &sizes);
    if (!mp_obj_is_type(index, &mp_type_tuple)) {
        mp_raise_TypeError(MP_ERROR_TEXT("index must name every dimension; or use .items"));
    }
    mp_obj_get_array(index, &given, &at);
    if (given != dimensions) {
        mp_raise_TypeError(MP_ERROR_TEXT("index must name every dimension; or use .items"));
    }
    size_t flat = 0;
    for (size_t i = 0; i < dimensions; i++) {
        size_t size = (size_t)mp_obj_get_int(sizes[i]);
        flat = flat * size + mp_get_index(&xn_array_type, size, at[i], false);
    }
    return flat;
}

static mp_obj_t array_subscr(mp_obj_t self_in, mp_obj_t index, mp_obj_t value) {
    const array_object *self = MP_OBJ_TO_PTR(self_in);
    mp_obj_t flat = mp_obj_new_int_from_uint(flat_index(self, index));
    return mp_obj_subscr(self->items, flat, value);
}

static void array_attr(mp_obj_t self_in, qstr name, mp_obj_t *dest) {
    const array_object *self = MP_OBJ_TO_PTR(self_in);
    if (dest[0] == MP_OBJ_NULL && name == MP_QSTR_items) {
        dest[0] = self->items;
    } else if (dest[0] == MP_OBJ_NULL && name == MP_QSTR_shape) {
        dest[0] = self->shape;
    }
}

static void array_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    const array_object *self = MP_OBJ_TO_PTR(self_in);
    mp_buffer_info_t from;
    mp_get_buffer_raise(self->items, &from, MP_BUFFER_READ);
    mp_printf(print, "<Array '%c' ", code_of(&from));
    mp_obj_print_helper(print, self->shape, PRINT_REPR);
    mp_print_str(print, ">");
}

MP_DEFINE_CONST_OBJ_TYPE(xn_array_type, MP_QSTR_Array, MP_TYPE_FLAG_NONE, make_new, array_make_new,
                         print, array_print, attr, array_attr, subscr, array_subscr, buffer,
                         array_get_buffer);
