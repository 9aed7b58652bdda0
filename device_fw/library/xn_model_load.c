#include "xn_model_load.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/xn_sha256.h"
#include "model/xn_loader.h"
#include "xn_cpu.h"

// ---- Loading -----------------------------------------------------------------------------------

static int check_weights_apart(const xn_blob_object *needs, const xn_model_room *room,
                               xn_reason *why) {
    uint8_t digest[XN_SHA256_BYTES];
    if (room->weights == NULL || room->weights_bytes != needs->bytes) {
        return xn_reason_limit(why, XN_E_WEIGHTS, "bytes", room->weights_bytes, needs->bytes);
    }
    if ((uintptr_t)room->weights % XN_SECTION_ALIGN != 0) {
        return xn_reason_at(why, XN_E_WEIGHTS, "address modulo 64",
                            (uint32_t)((uintptr_t)room->weights % XN_SECTION_ALIGN));
    }
    xn_sha256_of(room->weights, room->weights_bytes, digest, NULL);
    if (memcmp(digest, needs->sha256, sizeof(digest)) != 0) {
        return xn_reason_at(why, XN_E_WEIGHTS, "of another SHA-256, bytes", needs->bytes);
    }
    return XN_OK;
}

int32_t xn_model_load(xn_model *model, const uint8_t *blob, uint32_t bytes,
                      const xn_model_room *room, xn_reason *why) {
    const xn_loader_place place = {
        .family = XN_CPU_FAMILY,
        .level = XN_CPU_LEVEL,
        .features = XN_CPU_FEATURES,
        .arena_bytes = room->arena_bytes,
        .stack_bytes = room->stack_bytes,
    };
    xn_loader_program program;
    int status = xn_loader_check(&program, blob, bytes, &place, why);
    if (status == XN_OK && (uintptr_t)room->arena % XN_ARENA_ALIGN != 0) {
        status = xn_reason_at(why, XN_E_ARENA, "address modulo 16",
                              (uint32_t)((uintptr_t)room->arena % XN_ARENA_ALIGN));
    }
    if (status == XN_OK && program.needs != NULL) {
        status = check_weights_apart(program.needs, room, why);
    }
    if (status != XN_OK) {
        return status;
    }
    model->blob = blob;
    model->variant = program.variant;
    model->ctx.arena = room->arena;
    model->ctx.weights =
        (program.needs == NULL ? blob : room->weights) + program.variant->weights_offset;
    model->is_reset = false;
    memset(room->arena, 0, program.variant->arena_bytes);
    return XN_OK;
}

// ---- What is open ------------------------------------------------------------------------------

uint32_t xn_model_arena_bytes(const xn_model *model) {
    return model->variant->arena_bytes;
}

uint32_t xn_model_inputs(const xn_model *model) {
    return xn_model_header(model)->input_count;
}

uint32_t xn_model_outputs(const xn_model *model) {
    return xn_model_header(model)->output_count;
}

uint32_t xn_model_input_bytes(const xn_model *model, uint32_t index) {
    return index < xn_model_header(model)->input_count ? xn_model_ios(model)[index].bytes : 0;
}

uint32_t xn_model_output_bytes(const xn_model *model, uint32_t index) {
    uint32_t inputs = xn_model_header(model)->input_count;
    return index < xn_model_header(model)->output_count ? xn_model_ios(model)[inputs + index].bytes
                                                        : 0;
}

uint32_t xn_model_entries(const xn_model *model) {
    return xn_model_header(model)->entry_count;
}

// ---- The golden vector -------------------------------------------------------------------------

typedef struct expectation {
    const uint8_t *outputs; // that must come next
    xn_sha256 hash;         // of all that came
    bool differs;
} expectation;

static void compare(void *to, const uint8_t *at, uint32_t n) {
    expectation *e = to;
    e->differs = e->differs || memcmp(e->outputs, at, n) != 0;
    e->outputs += n;
}

static void hash(void *to, const uint8_t *at, uint32_t n) {
    expectation *e = to;
    xn_sha256_add(&e->hash, at, n);
}

int32_t xn_model_verify(xn_model *model) {
    if (xn_model_header(model)->golden_offset == 0) {
        return XN_E_BLOB_GOLDEN;
    }
    const xn_blob_golden *golden =
        (const void *)(model->blob + xn_model_header(model)->golden_offset);
    const uint8_t *outputs = (const uint8_t *)(golden + 1) + golden->input_bytes;
    expectation e = {.outputs = outputs};
    bool hashed = golden->output_kind == XN_GOLDEN_SHA256;
    xn_sha256_begin(&e.hash);
    int32_t status = xn_model_run_golden(model, hashed ? hash : compare, &e);
    if (status == XN_OK && hashed) {
        uint8_t digest[XN_SHA256_BYTES];
        xn_sha256_end(&e.hash, digest);
        e.differs = memcmp(digest, outputs, sizeof(digest)) != 0;
    }
    return status == XN_OK && e.differs ? XN_E_BLOB_GOLDEN : status;
}
