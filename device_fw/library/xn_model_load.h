// A blob that this program has not seen before, from a file, a line, another flash: checked, then
// opened. What is opened is run by xn_model.h.
//
//     static uint8_t arena[32768] __attribute__((aligned(16)));
//     const xn_model_room room = {.arena = arena, .arena_bytes = sizeof arena, .stack_bytes =
//     2048}; xn_model model; xn_reason why; int32_t status = xn_model_load(&model, blob, bytes,
//     &room, &why);
//
// Nothing is allocated; all there is lies in *model and the arena: as many models as you like.
#ifndef XN_MODEL_LOAD_H
#define XN_MODEL_LOAD_H

#include <stdint.h>

#include "base/xn_reason.h"
#include "base/xn_status.h"
#include "xn_model.h"

// Where a model is to run.
typedef struct xn_model_room {
    uint8_t *arena; // at a multiple of 16, of this model alone
    uint32_t arena_bytes;
    uint32_t stack_bytes;   // that a step may use of the stack that it is called on
    const uint8_t *weights; // of a blob that has them apart, at a multiple of 64; else NULL
    uint32_t weights_bytes;
} xn_model_room;

// Checks every byte that a run relies on, hashes the blob, scans its code (a Cortex-M's), takes the
// variant for the CPU that this file is compiled for, clears its part of the arena. The blob stays
// where it is, at a multiple of 64 of memory that may be executed, as the CPU sees it: behind
// caches, clean the data cache and invalidate the instruction cache first.
// XN_OK, or an XN_E_* of xn_status.h and in *why what breaks which rule: no model is open then.
int32_t xn_model_load(xn_model *model, const uint8_t *blob, uint32_t bytes,
                      const xn_model_room *room, xn_reason *why);

// What an open model has.
uint32_t xn_model_arena_bytes(const xn_model *model); // used, of room.arena_bytes
uint32_t xn_model_inputs(const xn_model *model);
uint32_t xn_model_outputs(const xn_model *model);
uint32_t xn_model_input_bytes(const xn_model *model, uint32_t index); // 0: no such input
uint32_t xn_model_output_bytes(const xn_model *model, uint32_t index);
uint32_t xn_model_entries(const xn_model *model); // the network, and its heads

// Runs the inputs that came in the blob: XN_OK if the outputs are those that came with them,
// XN_E_BLOB_GOLDEN if not, or if there are none; or what xn_model_run() returns.
int32_t xn_model_verify(xn_model *model);

#endif
