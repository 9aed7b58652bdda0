// The metadata of a blob, read where it lies (docs/SPEC-blob.md section 7).
#ifndef XN_METADATA_H
#define XN_METADATA_H

#include "core/xn_loader.h"

#include "py/obj.h"

// The label of a class: a str, or the number itself where the blob names none.
mp_obj_t xn_metadata_label(const xn_program *program, int32_t index);
// The type code, as of the array module, of input or output `index`; 'B' where it is unknown.
// `which` is "inputs" or "outputs".
char xn_metadata_typecode(const xn_program *program, const char *which, uint32_t index);

#endif
