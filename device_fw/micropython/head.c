#include "micropython/head.h"

#include "micropython/metadata.h"

#include "py/binary.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#include <stddef.h>
#include <string.h>

// ---- How an item is read ------------------------------------------------------------------------

// The results that the format itself describes.
static const qstr detection_names[] = {MP_QSTR_label, MP_QSTR_score, MP_QSTR_box};
static const xn_head_field detection_fields[] = {
    {offsetof(xn_detection, label), 1, 'i', XN_HEAD_LABEL},
    {offsetof(xn_detection, score), 1, 'f', XN_HEAD_VALUE},
    {offsetof(xn_detection, x0), 4, 'f', XN_HEAD_POINTS},
};
static const xn_head_field class_fields[] = {
    {offsetof(xn_class, label), 1, 'i', XN_HEAD_LABEL},
    {offsetof(xn_class, score), 1, 'f', XN_HEAD_VALUE},
};
// The fields of a class have the first names of a detection's.
static const xn_head_record detections = {sizeof(xn_detection), 3, detection_names,
                                          detection_fields};
static const xn_head_record classes = {sizeof(xn_class), 2, detection_names, class_fields};

bool xn_head_record_of(const xn_loader_program *program, uint32_t entry, xn_head_record *record) {
    uint16_t kind = program->entries[entry].result;
    if (kind == XN_RESULT_DETECTIONS) {
        *record = detections;
    } else if (kind == XN_RESULT_CLASSES) {
        *record = classes;
    } else {
        return xn_metadata_record(program, entry, record);
    }
    return true;
}

// ---- Items --------------------------------------------------------------------------------------

static void map_points(mp_obj_t *values, uint32_t count, const xn_picture_fit *fit) {
    for (uint32_t i = 0; i + 1 < count; i += 2) {
        float x = mp_obj_get_float_to_f(values[i]), y = mp_obj_get_float_to_f(values[i + 1]);
        xn_picture_undo(fit, &x, &y);
        values[i] = mp_obj_new_float_from_f(x);
        values[i + 1] = mp_obj_new_float_from_f(y);
    }
}

static mp_obj_t read_field(const xn_loader_program *program, const xn_head_field *field,
                           const uint8_t *item, const xn_picture_fit *fit) {
    mp_obj_t tuple = mp_obj_new_tuple(field->count, NULL);
    mp_obj_t *values = ((mp_obj_tuple_t *)MP_OBJ_TO_PTR(tuple))->items;
    for (uint32_t i = 0; i < field->count; i++) {
        values[i] = mp_binary_get_val_array(field->code, (void *)(item + field->offset), i);
        if (field->role == XN_HEAD_LABEL) {
            values[i] = xn_metadata_label(program, (int32_t)mp_obj_get_int_truncated(values[i]));
        }
    }
    if (field->role == XN_HEAD_POINTS && fit != NULL) {
        map_points(values, field->count, fit);
    }
    return field->count == 1 ? values[0] : tuple;
}

mp_obj_t xn_head_items(const xn_loader_program *program, const xn_head_record *record,
                       const uint8_t *result, uint32_t bytes, const xn_picture_fit *fit) {
    // The model's own code wrote the count.
    uint32_t count = 0, header = sizeof(xn_detections);
    if (bytes >= header) {
        memcpy(&count, result, sizeof count);
        count = MIN(count, (bytes - header) / record->item_bytes);
    }
    mp_obj_t list = mp_obj_new_list(0, NULL);
    mp_obj_t *values = m_new(mp_obj_t, record->count);
    for (const uint8_t *item = result + header; count > 0; count--, item += record->item_bytes) {
        for (uint32_t i = 0; i < record->count; i++) {
            values[i] = read_field(program, &record->fields[i], item, fit);
        }
        mp_obj_list_append(list, mp_obj_new_attrtuple(record->names, record->count, values));
    }
    return list;
}
