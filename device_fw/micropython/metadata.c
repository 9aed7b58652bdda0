#include "micropython/metadata.h"

#include "core/base/xn_msgpack.h"

#include "xn_metadata_keys.h"

#include "lib/uzlib/uzlib.h"
#include "py/binary.h"
#include "py/runtime.h"

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

static xn_reader metadata_of(const xn_loader_program *program) {
    const xn_blob_header *header = program->header;
    return xn_reader_of(program->blob + header->metadata_offset, header->metadata_bytes);
}

#if MICROPY_PY_DEFLATE
// The details, inflated onto the heap; an empty reader if they are damaged.
static xn_reader inflate(const uint8_t *packed, uint32_t packed_bytes, uint32_t bytes) {
    uint8_t *to = m_new(uint8_t, bytes);
    uzlib_uncomp_t *inflater = m_new0(uzlib_uncomp_t, 1);
    uzlib_uncompress_init(inflater, NULL, 0);
    inflater->source = packed;
    inflater->source_limit = packed + packed_bytes;
    inflater->dest_start = inflater->dest = to;
    inflater->dest_limit = to + bytes;
    int status = uzlib_uncompress(inflater);
    bool whole = status >= 0 && inflater->dest == inflater->dest_limit;
    m_del(uzlib_uncomp_t, inflater, 1);
    return xn_reader_of(to, whole ? bytes : 0);
}
#endif

xn_reader xn_metadata_details(const xn_loader_program *program) {
    const xn_blob_header *h = program->header;
    if (h->details_bytes == 0) {
        return metadata_of(program); // format 1.0
    }
#if MICROPY_PY_DEFLATE
    return inflate(program->blob + h->details_offset, h->details_bytes, h->details_unpacked);
#else
    return xn_reader_of(NULL, 0);
#endif
}

// The text at `key` of the map that the reader stands at.
static bool is_text(xn_reader r, const char *key, const char *text) {
    const char *seen;
    uint32_t n;
    return enter(&r, key) && xn_msgpack_read_str(&r, &seen, &n) == 0 && n == strlen(text) &&
           memcmp(seen, text, n) == 0;
}

// The type code of the map's dtype; 'B' if it is unknown.
static char read_typecode(xn_reader r) {
    static const struct {
        const char *dtype;
        char code;
    } table[] = {{"int8", 'b'},  {"uint8", 'B'},  {"int16", 'h'},  {"int32", 'i'},
                 {"int64", 'q'}, {"uint32", 'I'}, {"uint64", 'Q'}, {"float32", 'f'}};
    for (size_t i = 0; i < MP_ARRAY_SIZE(table); i++) {
        if (is_text(r, XN_KEY_DTYPE, table[i].dtype)) {
            return table[i].code;
        }
    }
    return 'B';
}

// Sets the reader to the map of input or output `index`.
static bool enter_tensor(const xn_loader_program *program, xn_reader *r, const char *which,
                         uint32_t index) {
    uint32_t tensor;
    *r = metadata_of(program);
    if (!enter(r, which) || !enter_item(r, index)) {
        return false;
    }
    xn_reader number = *r;
    if (xn_msgpack_read_u32(&number, &tensor) != 0) {
        return true; // a map
    }
    *r = metadata_of(program); // format 1.0: an index
    return enter(r, XN_KEY_TENSORS) && enter_item(r, tensor);
}

char xn_metadata_typecode(const xn_loader_program *program, const char *which, uint32_t index) {
    xn_reader r;
    return enter_tensor(program, &r, which, index) ? read_typecode(r) : 'B';
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

// A scalar or a tuple of scalars; None if it is neither.
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

mp_obj_t xn_metadata_tensor(const xn_loader_program *program, const char *which, uint32_t index) {
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

mp_obj_t xn_metadata_labels(const xn_loader_program *program) {
    return value_at(metadata_of(program), XN_KEY_LABELS);
}

mp_obj_t xn_metadata_label(const xn_loader_program *program, int32_t index) {
    xn_reader r = metadata_of(program);
    mp_obj_t label = mp_const_none;
    if (index >= 0 && enter(&r, XN_KEY_LABELS) && enter_item(&r, (uint32_t)index)) {
        label = read_value(&r);
    }
    return label == mp_const_none ? mp_obj_new_int(index) : label;
}

mp_obj_t xn_metadata_step(xn_reader details, uint32_t step) {
    mp_obj_t name = mp_const_none;
    if (enter(&details, XN_KEY_STEPS) && enter_item(&details, step)) {
        name = value_at(details, XN_KEY_NAME);
    }
    return name == mp_const_none ? mp_obj_new_int_from_uint(step) : name;
}

// ---- The items of a head's result ---------------------------------------------------------------

static uint32_t number_at(xn_reader r, const char *key) {
    return (uint32_t)mp_obj_get_int_truncated(value_at(r, key));
}

static bool read_field(xn_reader r, uint32_t item_bytes, qstr *name, xn_head_field *field) {
    uint32_t offset = number_at(r, XN_KEY_OFFSET), count = number_at(r, XN_KEY_COUNT);
    char code = read_typecode(r);
    uint32_t size = (uint32_t)mp_binary_get_size('@', code, NULL);
    *name = mp_obj_str_get_qstr(value_at(r, XN_KEY_NAME));
    *field = (xn_head_field){
        .offset = (uint16_t)offset,
        .count = (uint16_t)count,
        .code = code,
        .role = mp_obj_str_get_str(value_at(r, XN_KEY_ROLE))[0],
    };
    return offset % size == 0 && item_bytes % size == 0 && offset <= item_bytes &&
           count <= (item_bytes - offset) / size;
}

bool xn_metadata_record(const xn_loader_program *program, uint32_t entry, xn_head_record *record) {
    xn_reader r = metadata_of(program);
    uint32_t count;
    if (!enter(&r, XN_KEY_RESULTS) || !enter_item(&r, entry)) {
        return false;
    }
    uint32_t item_bytes = number_at(r, XN_KEY_ITEM_BYTES);
    if (item_bytes - 1u >= UINT16_MAX || !enter(&r, XN_KEY_FIELDS) ||
        xn_msgpack_read_array(&r, &count) != 0 || count > XN_METADATA_FIELDS_MAX) {
        return false;
    }
    qstr *names = m_new(qstr, count);
    xn_head_field *fields = m_new(xn_head_field, count);
    *record = (xn_head_record){(uint16_t)item_bytes, (uint16_t)count, names, fields};
    for (uint32_t i = 0; i < count; i++) {
        if (!read_field(r, item_bytes, &names[i], &fields[i]) || xn_msgpack_skip(&r) != 0) {
            return false;
        }
    }
    return true;
}

// ---- The first input as a picture ---------------------------------------------------------------

// One number for all channels, or a list of one or of as many as there are channels.
static bool read_by_channel(xn_reader r, const char *key, uint32_t channels, float *numbers) {
    mp_obj_t value = value_at(r, key), *items = &value;
    size_t count = 1;
    if (mp_obj_is_type(value, &mp_type_tuple)) {
        mp_obj_get_array(value, &count, &items);
    }
    for (uint32_t i = 0; i < channels; i++) {
        mp_float_t number;
        if ((count != 1 && count != channels) ||
            !mp_obj_get_float_maybe(items[count == 1 ? 0 : i], &number)) {
            return false;
        }
        numbers[i] = (float)number;
    }
    return true;
}

bool xn_metadata_picture_of(const xn_loader_program *program, xn_metadata_picture *picture) {
    xn_reader r;
    if (!enter_tensor(program, &r, XN_KEY_INPUTS, 0)) {
        return false;
    }
    mp_obj_t shape = value_at(r, XN_KEY_SHAPE), *sides;
    size_t rank;
    if (!mp_obj_is_type(shape, &mp_type_tuple)) {
        return false;
    }
    mp_obj_get_array(shape, &rank, &sides);
    if (rank != 4 || mp_obj_get_int_truncated(sides[0]) != 1) {
        return false;
    }
    picture->height = (uint32_t)mp_obj_get_int_truncated(sides[1]);
    picture->width = (uint32_t)mp_obj_get_int_truncated(sides[2]);
    picture->channels = (uint32_t)mp_obj_get_int_truncated(sides[3]);
    if (picture->channels != 1 && picture->channels != 3) {
        return false;
    }
    picture->code = read_typecode(r);
    picture->zero_point = 0;
    if (!read_by_channel(r, XN_KEY_SCALE, 1, &picture->scale)) {
        picture->scale = 1.0f;
    } else {
        picture->zero_point = (int32_t)number_at(r, XN_KEY_ZERO_POINT);
    }
    r = metadata_of(program);
    picture->plain = !enter(&r, XN_KEY_IMAGE);
    return picture->plain || (read_by_channel(r, XN_KEY_MEAN, picture->channels, picture->mean) &&
                              read_by_channel(r, XN_KEY_STD, picture->channels, picture->std));
}
