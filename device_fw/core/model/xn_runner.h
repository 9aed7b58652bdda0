// Runs models. Several may be open at once, each with an arena of its own.
#ifndef XN_RUNNER_H
#define XN_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "model/xn_loader.h"

typedef struct xn_runner_model {
    xn_loader_program program;
    xn_ctx ctx;                   // the arena and the weights
    uint32_t weights_bytes;       // that a step may read there; 0: they are in the blob
    const uint8_t *object;        // that holds the weights, if the blob does not
    uint32_t object_bytes;        // 0: it does
    uint32_t reach_bytes;         // of the arena that a step may touch: what it asked for, or more
    int32_t entry;                // that ran last, -1: no result is there
    bool is_reset;                // its state was set since it was opened or reset
    uint32_t limit_ms;            // that a step may take
    struct xn_runner_model *next; // open models
} xn_runner_model;

// Checks the blob, finds weights that are an object of their own, takes an arena and clears it. On
// an error the model is closed.
int xn_runner_open(xn_runner_model *model, const uint8_t *blob, uint32_t bytes);
void xn_runner_close(xn_runner_model *model); // a closed one is ignored
// Closes all whose place in memory is within [start, end).
void xn_runner_close_within(const void *start, const void *end);
bool xn_runner_is_open(const xn_runner_model *model);
// Whether an open model's blob, or its weights, touch [at, at + n).
bool xn_runner_uses(const uint8_t *at, uint32_t n);

uint32_t xn_runner_steps(const xn_runner_model *model,
                         uint32_t entry); // that run() calls; 0: no such entry
// The place of an input or output; its size in *bytes. NULL: wrong index.
uint8_t *xn_runner_input(const xn_runner_model *model, uint32_t index, uint32_t *bytes);
// The place to write n bytes of an input to, from offset on: XN_OK or XN_E_INPUT.
int xn_runner_place(xn_runner_model *model, uint32_t input, uint32_t offset, uint32_t n,
                    uint8_t **to);
const uint8_t *xn_runner_output(const xn_runner_model *model, uint32_t index, uint32_t *bytes);
int xn_runner_write(xn_runner_model *model, uint32_t input, uint32_t offset, const uint8_t *bytes,
                    uint32_t n);

#ifndef XN_RUNNER_LIMIT_MS
#define XN_RUNNER_LIMIT_MS 10000u // that a step may take
#endif
#define XN_RUNNER_LIMIT_MAX_MS 60000u // of another limit
#ifndef XN_RUNNER_RUN_MS
#define XN_RUNNER_RUN_MS 240000u // that a run may take: a host waits for 300 s
#endif

// Ends the runs that are under way, each after its step, with XN_E_STOPPED. May be called from an
// interrupt.
void xn_runner_stop(void);

// Runs an entry. step_us, unless NULL, has room for xn_runner_steps() values.
int xn_runner_run(xn_runner_model *model, uint32_t entry, uint32_t *step_us);
// Runs `count` of an entry's steps from `first` on; leaves no result. step_us as above.
int xn_runner_run_range(xn_runner_model *model, uint32_t entry, uint32_t first, uint32_t count,
                        uint32_t *step_us);
// [offset, offset + n) of the arena, NULL if it is not within.
const uint8_t *xn_runner_arena(const xn_runner_model *model, uint32_t offset, uint32_t n);
// Before the next run the state is set again.
void xn_runner_reset_state(xn_runner_model *model);
// Bytes of the result of an entry, whose index is right.
uint32_t xn_runner_entry_bytes(const xn_runner_model *model, uint32_t entry);
// The result of the last run: of entry 0 all outputs one after another, else the head's bytes.
uint32_t xn_runner_result_bytes(const xn_runner_model *model);
// Copies a piece of it, at most n bytes; the count copied, or an error.
int32_t xn_runner_read(const xn_runner_model *model, uint32_t offset, uint8_t *to, uint32_t n);

// Runs the golden vector: 1 outputs are as expected, 0 the blob has none, XN_E_BLOB_GOLDEN or
// another error. A step may take limit_ms. *us: what the run took. The arena is cleared after.
int xn_runner_golden(xn_runner_model *model, uint32_t limit_ms, uint32_t *us);
// The inputs that `from` was given and has not run yet become those of `to`, if its inputs have
// the same sizes; else false.
bool xn_runner_hand_over(const xn_runner_model *from, xn_runner_model *to);

// What a step may take, in milliseconds.
extern uint32_t xn_runner_limit_ms;
// Called between steps (NULL: nothing). Other work may be done there, but no model may be opened or
// closed, and only a model other than this one may be run.
extern void (*xn_runner_between_steps)(void);
// Called when a step faulted or did not return in time (NULL: nothing). The run ends with `status`.
extern void (*xn_runner_on_stop)(const xn_runner_model *model, int status, uint32_t step);

#endif
