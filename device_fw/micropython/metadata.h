// The metadata of a blob, read in place (docs/SPEC-blob.md section 7).
#ifndef XN_METADATA_H
#define XN_METADATA_H

#include "micropython/head.h"

#include "core/base/xn_reader.h"
#include "core/model/xn_loader.h"

#include "py/obj.h"

// The label of a class: a str, or the number itself if the blob names none.
mp_obj_t xn_metadata_label(const xn_loader_program *program, int32_t index);
// The type code, as of the array module, of input or output `index`; 'B' if it is unknown.
// `which` is "inputs" or "outputs".
char xn_metadata_typecode(const xn_loader_program *program, const char *which, uint32_t index);

// Tensor information of input or output `index`: a dict of name, shape, dtype, scale, zero_point.
mp_obj_t xn_metadata_tensor(const xn_loader_program *program, const char *which, uint32_t index);
// A tuple of the labels, or None.
mp_obj_t xn_metadata_labels(const xn_loader_program *program);
// What names its steps, inflated onto the heap; empty if it is damaged.
xn_reader xn_metadata_details(const xn_loader_program *program);
// The name of a step: a str, or its number if they name none.
mp_obj_t xn_metadata_step(xn_reader details, uint32_t step);

#define XN_METADATA_FIELDS_MAX 32u // of an item of a head's result
// How an item of an entry's result is read; false if the metadata do
// not say, or say what cannot be read. Raises TypeError for a number or a text that is none.
bool xn_metadata_record(const xn_loader_program *program, uint32_t entry, xn_head_record *record);

// A model's first input, if it is a picture.
typedef struct xn_metadata_picture {
    uint32_t height, width, channels; // channels: 1 or 3
    char code;                        // type code: 'b', 'B' or 'f'
    bool plain;                       // no normalisation is stated
    float scale;                      // 1 if it is no quantised tensor
    int32_t zero_point;
    float mean[3], std[3]; // of each channel
} xn_metadata_picture;
// False: the first input is none, or its normalisation has another number of channels.
bool xn_metadata_picture_of(const xn_loader_program *program, xn_metadata_picture *picture);

#endif
