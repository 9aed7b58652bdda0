// Checks a blob in place; nothing of it executes before all is checked.
#ifndef XN_LOADER_H
#define XN_LOADER_H

#include <stdint.h>

#include "base/xn_reason.h"
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

// Where it is to run.
typedef struct xn_loader_place {
    uint16_t family;      // enum xn_family
    uint16_t level;       // enum xn_level
    uint32_t features;    // enum xn_feature*, all that are there
    uint32_t arena_bytes; // the largest arena that is free
    uint32_t stack_bytes; // that a step may use
    void (*pause)(void);  // called now and then (NULL: nothing)
} xn_loader_place;

// `bytes` may be read at `blob`, by the CPU's cache too. Whether there is an object that holds the
// weights is not looked at. *why is of use if the blob is refused.
int xn_loader_check(xn_loader_program *program, const uint8_t *blob, uint32_t bytes,
                    const xn_loader_place *place, xn_reason *why);

#endif
