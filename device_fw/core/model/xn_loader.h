// Checks a blob in place; nothing of it executes before all is checked.
#ifndef XN_LOADER_H
#define XN_LOADER_H

#include <stdint.h>

#include "xn_blob.h"

// A checked blob: pointers into the mapped blob, all in bounds and aligned.
typedef struct xn_loader_program {
    const uint8_t *blob; // aligned to XN_SECTION_ALIGN
    const xn_blob_header *header;
    const xn_blob_variant *variant; // the one for this CPU
    const xn_blob_object *needs;    // the object that holds the weights; NULL: the blob does
    const uint32_t *steps;          // [variant->step_count]
    const xn_blob_io *inputs;       // [header->input_count]
    const xn_blob_io *outputs;      // [header->output_count]
    const xn_blob_entry *entries;   // [header->entry_count]
    const xn_blob_golden *golden;   // NULL if there is no golden vector; its bytes follow it
    uint32_t golden_runs;           // at least 1
} xn_loader_program;

// `bytes` may be read at `blob`; `arena_limit` is the largest arena that is free. Whether there is
// an object that holds the weights is not looked at.
int xn_loader_check(xn_loader_program *program, const uint8_t *blob, uint32_t bytes,
                    uint32_t arena_limit);

#endif
