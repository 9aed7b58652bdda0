// What a head found, as Python values. A record says how an item of its result is read.
#ifndef XN_HEAD_RESULT_H
#define XN_HEAD_RESULT_H

#include "micropython/picture.h"

#include "core/model/xn_loader.h"

#include "py/obj.h"

// What the values of a field are: the first letter of the role in the metadata.
enum xn_head_role { XN_HEAD_VALUE = 'v', XN_HEAD_LABEL = 'l', XN_HEAD_POINTS = 'p' };

typedef struct xn_head_field {
    uint16_t offset; // in the item, a multiple of a value's size
    uint16_t count;  // of its values
    char code;       // of a value, as of the array module
    char role;       // enum xn_head_role
} xn_head_field;

typedef struct xn_head_record {
    uint16_t item_bytes;
    uint16_t count;              // of its fields
    const qstr *names;           // [count]
    const xn_head_field *fields; // [count]
} xn_head_record;

// The record of an entry's result: the format's own, or what the blob's metadata says;
// false if neither says what can be read.
bool xn_head_record_of(const xn_loader_program *program, uint32_t entry, xn_head_record *record);
// A list of named tuples from the entry's result; points become the picture's pixels if `fit` is
// not NULL.
mp_obj_t xn_head_items(const xn_loader_program *program, const xn_head_record *record,
                       const uint8_t *result, uint32_t bytes, const xn_picture_fit *fit);

#endif
