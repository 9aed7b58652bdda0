// A compiled model in a program of your own.
//
//     static uint8_t arena[DIGITS_ARENA_BYTES] __attribute__((aligned(16)));
//     xn_model model;
//     xn_model_open(&model, digits_blob, arena, sizeof arena);
//     memcpy(xn_model_input(&model, 0), picture, DIGITS_INPUT_0_BYTES);
//     xn_model_run(&model, 0);
//     const uint8_t *scores = xn_model_output(&model, 0);
//
// The blob lies in memory that the CPU may execute, as the flash of a Cortex-M is, and is not
// checked: it was when it was exported. Nothing is allocated, nothing is called but the model's own
// code. Two models may be open at a time, also of one blob, each with an arena of its own.
#ifndef XN_MODEL_H
#define XN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "xn_blob.h"

enum {
    XN_MODEL_E_BLOB = -1001,   // not a blob, or not at a multiple of 64
    XN_MODEL_E_ARENA = -1002,  // too small, or not at a multiple of 16
    XN_MODEL_E_ENTRY = -1003,  // no such entry
    XN_MODEL_E_GOLDEN = -1004, // the outputs are not those that the model must have
};

typedef struct xn_model {
    xn_ctx ctx;
    const uint8_t *blob;
    const xn_blob_variant *variant; // of the blob's, the one that runs
    bool is_reset;                  // its state is set
} xn_model;

static inline const xn_blob_header *xn_model_header(const xn_model *model) {
    return (const xn_blob_header *)(const void *)model->blob;
}

// Inputs, then outputs.
static inline const xn_blob_io *xn_model_ios(const xn_model *model) {
    return (const xn_blob_io *)(const void *)(model->blob + xn_model_header(model)->io_offset);
}

// 0, or an error of above.
int32_t xn_model_open(xn_model *model, const uint8_t *blob, uint8_t *arena, uint32_t arena_bytes);

// Where an input is written before each run: a run uses its memory for other things.
uint8_t *xn_model_input(const xn_model *model, uint32_t index);

// Runs the network, and the head of an entry: 0 has none. 0, or an error: of above, or a step's.
int32_t xn_model_run(xn_model *model, uint32_t entry);

// An output, and the result of an entry's head, until the next input is written.
const uint8_t *xn_model_output(const xn_model *model, uint32_t index);
const void *xn_model_result(const xn_model *model, uint32_t entry);

// xn_model_run(), and how long each step took: what ticks() grew by. `each` has room for
// xn_model_steps() values.
int32_t xn_model_profile(xn_model *model, uint32_t entry, uint32_t (*ticks)(void), uint32_t *each);
uint32_t xn_model_steps(const xn_model *model, uint32_t entry); // 0: no such entry

// Forgets what the model kept from run to run.
void xn_model_reset(xn_model *model);

// Runs the model on the inputs that came with it: 0 if the CRC-32 of all outputs is this.
int32_t xn_model_test(xn_model *model, uint32_t crc32);
// The same for who compares otherwise: take() is given the outputs, one after another, run by run.
int32_t xn_model_run_golden(xn_model *model, void (*take)(void *to, const uint8_t *at, uint32_t n),
                            void *to);

#endif
