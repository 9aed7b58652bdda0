#include "micropython/metadata.h"

#include "core/xn_msgpack.h"

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

char xn_metadata_typecode(const xn_program *program, const char *which, uint32_t index) {
    xn_reader r = metadata_of(program);
    uint32_t tensor;
    if (!enter(&r, which) || !enter_item(&r, index) || xn_msgpack_read_u32(&r, &tensor) != 0) {
        return 'B';
    }
    r = metadata_of(program);
    const char *dtype;
    uint32_t n;
    if (!enter(&r, "tensors") || !enter_item(&r, tensor) || !enter(&r, "dtype") ||
        xn_msgpack_read_str(&r, &dtype, &n) != 0) {
        return 'B';
    }
    return typecode_of(dtype, n);
}
