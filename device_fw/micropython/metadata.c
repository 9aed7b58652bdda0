#include "micropython/metadata.h"

#include "core/base/xn_msgpack.h"

#include <string.h>

// Sets the reader to the value of `key` in the map that it stands at.
static bool enter(xn_reader *r, const char *key) {
    uint32_t pairs;
    if (xn_msgpack_read_map(r, &pairs) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < pairs; i++) {
        const char *name;
        uint32_t n;
        if (xn_msgpack_read_str(r, &name, &n) != 0) {
            return false;
        }
        if (n == strlen(key) && memcmp(name, key, n) == 0) {
            return true;
        }
        if (xn_msgpack_skip(r) != 0) {
            return false;
        }
    }
    return false;
}

// Sets the reader to item `index` of the array that it stands at.
static bool enter_item(xn_reader *r, uint32_t index) {
    uint32_t count;
    if (xn_msgpack_read_array(r, &count) != 0 || index >= count) {
        return false;
    }
    while (index-- > 0) {
        if (xn_msgpack_skip(r) != 0) {
            return false;
        }
    }
    return true;
}

static xn_reader metadata_of(const xn_program *program) {
    const xn_blob_header *header = program->header;
    return xn_reader_of(program->blob + header->metadata_offset, header->metadata_bytes);
}

mp_obj_t xn_metadata_label(const xn_program *program, int32_t index) {
    xn_reader r = metadata_of(program);
    const char *text;
    uint32_t n;
    if (index >= 0 && enter(&r, "labels") && enter_item(&r, (uint32_t)index) &&
        xn_msgpack_read_str(&r, &text, &n) == 0) {
        return mp_obj_new_str(text, n);
    }
    return mp_obj_new_int(index);
}

static char typecode_of(const char *dtype, uint32_t n) {
    static const struct {
        const char *dtype;
        char code;
    } table[] = {{"int8", 'b'},  {"uint8", 'B'}, {"int16", 'h'},
                 {"int32", 'i'}, {"int64", 'q'}, {"float32", 'f'}};
    for (size_t i = 0; i < MP_ARRAY_SIZE(table); i++) {
        if (n == strlen(table[i].dtype) && memcmp(dtype, table[i].dtype, n) == 0) {
            return table[i].code;
        }
    }
    return 'B';
}

// Sets the reader to the map of input or output `index`.
static bool enter_tensor(const xn_program *program, xn_reader *r, const char *which,
                         uint32_t index) {
    uint32_t tensor;
    *r = metadata_of(program);
    if (!enter(r, which) || !enter_item(r, index) || xn_msgpack_read_u32(r, &tensor) != 0) {
        return false;
    }
    *r = metadata_of(program);
    return enter(r, "tensors") && enter_item(r, tensor);
}

char xn_metadata_typecode(const xn_program *program, const char *which, uint32_t index) {
    xn_reader r;
    const char *dtype;
    uint32_t n;
    if (!enter_tensor(program, &r, which, index) || !enter(&r, "dtype") ||
        xn_msgpack_read_str(&r, &dtype, &n) != 0) {
        return 'B';
    }
    return typecode_of(dtype, n);
}

// ---- As Python values ---------------------------------------------------------------------------

static mp_obj_t scalar(const xn_msgpack_value *value) {
    switch (value->type) {
    case XN_MSGPACK_INT:
        return mp_obj_new_int_from_ll(value->integer);
    case XN_MSGPACK_FLOAT:
        return mp_obj_new_float((mp_float_t)value->real);
    case XN_MSGPACK_STR:
        return mp_obj_new_str((const char *)value->bytes, value->count);
    default:
        return mp_const_none;
    }
}

// A scalar or a tuple of scalars; None for what metadata does not hold.
static mp_obj_t read_value(xn_reader *r) {
    xn_msgpack_value value;
    if (xn_msgpack_read(r, &value) != 0) {
        return mp_const_none;
    }
    if (value.type != XN_MSGPACK_ARRAY) {
        return scalar(&value);
    }
    mp_obj_t list = mp_obj_new_list(0, NULL);
    for (uint32_t i = value.count; i > 0 && xn_msgpack_read(r, &value) == 0; i--) {
        mp_obj_list_append(list, scalar(&value));
    }
    size_t n;
    mp_obj_t *items;
    mp_obj_get_array(list, &n, &items);
    return mp_obj_new_tuple(n, items);
}

static mp_obj_t value_at(xn_reader r, const char *key) {
    return enter(&r, key) ? read_value(&r) : mp_const_none;
}

mp_obj_t xn_metadata_tensor(const xn_program *program, const char *which, uint32_t index) {
    static const qstr keys[] = {MP_QSTR_name, MP_QSTR_shape, MP_QSTR_dtype, MP_QSTR_scale,
                                MP_QSTR_zero_point};
    xn_reader r;
    mp_obj_t dict = mp_obj_new_dict(MP_ARRAY_SIZE(keys));
    if (enter_tensor(program, &r, which, index)) {
        for (size_t i = 0; i < MP_ARRAY_SIZE(keys); i++) {
            mp_obj_dict_store(dict, MP_OBJ_NEW_QSTR(keys[i]), value_at(r, qstr_str(keys[i])));
        }
    }
    return dict;
}

mp_obj_t xn_metadata_labels(const xn_program *program) {
    return value_at(metadata_of(program), "labels");
}

mp_obj_t xn_metadata_step(const xn_program *program, uint32_t step) {
    xn_reader r = metadata_of(program);
    const char *text;
    uint32_t n;
    if (enter(&r, "steps") && enter_item(&r, step) && enter(&r, "name") &&
        xn_msgpack_read_str(&r, &text, &n) == 0) {
        return mp_obj_new_str(text, n);
    }
    return mp_obj_new_int_from_uint(step);
}

// ---- The first input as a picture ---------------------------------------------------------------

static bool read_number(xn_reader *r, float *number) {
    xn_msgpack_value value;
    if (xn_msgpack_read(r, &value) != 0) {
        return false;
    }
    *number = value.type == XN_MSGPACK_FLOAT ? (float)value.real : (float)value.integer;
    return value.type == XN_MSGPACK_FLOAT || value.type == XN_MSGPACK_INT;
}

// One number for all channels, or a list of one or of as many as there are channels.
static bool read_by_channel(xn_reader r, const char *key, uint32_t channels, float numbers[3]) {
    uint32_t count = 0;
    if (!enter(&r, key)) {
        return false;
    }
    xn_reader list = r;
    if (xn_msgpack_read_array(&list, &count) == 0) {
        r = list;
        if (count != 1 && count != channels) {
            return false;
        }
    }
    for (uint32_t i = 0; i < channels; i++) {
        if (i > 0 && count <= 1) {
            numbers[i] = numbers[0];
        } else if (!read_number(&r, &numbers[i])) {
            return false;
        }
    }
    return true;
}

static bool read_shape(xn_reader r, xn_metadata_picture *picture) {
    uint32_t rank, batch;
    return enter(&r, "shape") && xn_msgpack_read_array(&r, &rank) == 0 && rank == 4 &&
           xn_msgpack_read_u32(&r, &batch) == 0 && batch == 1 &&
           xn_msgpack_read_u32(&r, &picture->height) == 0 &&
           xn_msgpack_read_u32(&r, &picture->width) == 0 &&
           xn_msgpack_read_u32(&r, &picture->channels) == 0 &&
           (picture->channels == 1 || picture->channels == 3);
}

bool xn_metadata_picture_of(const xn_program *program, xn_metadata_picture *picture) {
    xn_reader r, field;
    float zero_point;
    if (!enter_tensor(program, &r, "inputs", 0) || !read_shape(r, picture)) {
        return false;
    }
    picture->code = xn_metadata_typecode(program, "inputs", 0);
    picture->scale = 1.0f;
    picture->zero_point = 0;
    field = r;
    if (enter(&field, "scale") && read_number(&field, &picture->scale)) {
        field = r;
        if (!enter(&field, "zero_point") || !read_number(&field, &zero_point)) {
            return false;
        }
        picture->zero_point = (int32_t)zero_point;
    } else {
        picture->scale = 1.0f;
    }
    r = metadata_of(program);
    picture->plain = !enter(&r, "image");
    return picture->plain || (read_by_channel(r, "mean", picture->channels, picture->mean) &&
                              read_by_channel(r, "std", picture->channels, picture->std));
}
