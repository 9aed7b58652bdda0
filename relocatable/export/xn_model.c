#include "xn_model.h"

#include <stddef.h>

#define CRC32_REVERSED 0xEDB88320u

static const xn_blob_entry *entries_of(const xn_model *model) {
    return (const xn_blob_entry *)(model->blob + xn_model_header(model)->entry_offset);
}

int32_t xn_model_open(xn_model *model, const uint8_t *blob, uint8_t *arena, uint32_t arena_bytes) {
    model->blob = blob;
    if ((uintptr_t)blob % XN_SECTION_ALIGN != 0 || xn_model_header(model)->magic != XN_BLOB_MAGIC) {
        return XN_MODEL_E_BLOB;
    }
    // An export has one.
    const xn_blob_variant *variant =
        (const xn_blob_variant *)(blob + xn_model_header(model)->variant_offset);
    if ((uintptr_t)arena % XN_ARENA_ALIGN != 0 || arena_bytes < variant->arena_bytes) {
        return XN_MODEL_E_ARENA;
    }
    model->variant = variant;
    model->ctx.arena = arena;
    model->ctx.weights = blob + variant->weights_offset;
    model->is_reset = false;
    return 0;
}

uint8_t *xn_model_input(const xn_model *model, uint32_t index) {
    return model->ctx.arena + xn_model_ios(model)[index].arena_offset;
}

const uint8_t *xn_model_output(const xn_model *model, uint32_t index) {
    return xn_model_input(model, xn_model_header(model)->input_count + index);
}

const void *xn_model_result(const xn_model *model, uint32_t entry) {
    return model->ctx.arena + entries_of(model)[entry].result_offset;
}

void xn_model_reset(xn_model *model) {
    model->is_reset = false;
}

// Runs steps [first, first + count); ticks: NULL, or how long each took goes into `each`.
static int32_t run_steps(const xn_model *model, uint32_t first, uint32_t count,
                         uint32_t (*ticks)(void), uint32_t *each) {
    const xn_blob_variant *variant = model->variant;
    const uint32_t *offsets = (const uint32_t *)(model->blob + variant->step_offset);
    uintptr_t code = (uintptr_t)model->blob + variant->code_offset;
    uintptr_t mode = variant->family == XN_FAMILY_CORTEX_M ? 1 : 0; // of the instruction set
    for (uint32_t i = first; i < first + count; i++) {
        uint32_t start = ticks == NULL ? 0 : ticks();
        int32_t status = ((xn_step_fn *)(code + offsets[i] + mode))(&model->ctx);
        if (status != 0) {
            return status;
        }
        if (ticks != NULL) {
            *each++ = ticks() - start;
        }
    }
    return 0;
}

static int32_t set_state(xn_model *model) {
    const xn_blob_header *header = xn_model_header(model);
    for (uint32_t i = 0; i < header->state_bytes; i++) {
        model->ctx.arena[header->state_offset + i] = 0;
    }
    model->is_reset = true;
    return run_steps(model, header->reset_step, header->reset_steps, NULL, NULL);
}

uint32_t xn_model_steps(const xn_model *model, uint32_t entry) {
    const xn_blob_entry *e = &entries_of(model)[entry];
    return entry < xn_model_header(model)->entry_count ? e->network_steps + e->head_steps : 0;
}

int32_t xn_model_profile(xn_model *model, uint32_t entry, uint32_t (*ticks)(void), uint32_t *each) {
    if (entry >= xn_model_header(model)->entry_count) {
        return XN_MODEL_E_ENTRY;
    }
    const xn_blob_entry *e = &entries_of(model)[entry];
    int32_t status = model->is_reset ? 0 : set_state(model);
    if (status == 0) {
        status = run_steps(model, 0, e->network_steps, ticks, each);
    }
    if (status == 0) {
        each = ticks == NULL ? NULL : each + e->network_steps;
        status = run_steps(model, e->head_step, e->head_steps, ticks, each);
    }
    return status;
}

int32_t xn_model_run(xn_model *model, uint32_t entry) {
    return xn_model_profile(model, entry, NULL, NULL);
}

// ---- The golden vector -------------------------------------------------------------------------

static uint32_t next_random(uint32_t x) {
    x ^= x << 13;
    x ^= x >> 17;
    return x ^ x << 5;
}

static void put_word(uint8_t *to, uint32_t word) {
    for (uint32_t i = 0; i < 4; i++) {
        to[i] = (uint8_t)(word >> 8 * i);
    }
}

// The float32 of fraction / 2^24, of a fraction below 2^24: by integers, which all CPUs have.
static uint32_t float_bits(uint32_t fraction) {
    uint32_t exponent = 126; // of 0.5
    if (fraction == 0) {
        return 0;
    }
    for (; fraction < 1u << 23; fraction <<= 1) {
        exponent--;
    }
    return exponent << 23 | (fraction & 0x7FFFFFu);
}

// Makes the next inputs, or copies those that are stored.
static void write_inputs(const xn_model *model, const xn_blob_golden *golden, uint32_t *random,
                         const uint8_t **stored) {
    bool is_float = golden->input_kind == XN_GOLDEN_FLOATS;
    for (uint32_t i = 0; i < xn_model_header(model)->input_count; i++) {
        uint8_t *to = xn_model_input(model, i);
        uint32_t bytes = xn_model_ios(model)[i].bytes;
        for (uint32_t at = 0; at < bytes; at += is_float ? 4 : 1) {
            *random = next_random(*random);
            if (is_float) {
                put_word(to + at, float_bits(*random >> 8));
            } else {
                to[at] = golden->seed == 0 ? *(*stored)++ : (uint8_t)(*random >> 24);
            }
        }
    }
}

int32_t xn_model_run_golden(xn_model *model, void (*take)(void *to, const uint8_t *at, uint32_t n),
                            void *to) {
    const xn_blob_header *header = xn_model_header(model);
    if (header->golden_offset == 0) {
        return XN_MODEL_E_GOLDEN;
    }
    const xn_blob_golden *golden = (const xn_blob_golden *)(model->blob + header->golden_offset);
    const xn_blob_io *outputs = xn_model_ios(model) + header->input_count;
    const uint8_t *stored = (const uint8_t *)(golden + 1);
    uint32_t random = golden->seed, runs = golden->runs > 1 ? golden->runs : 1;
    int32_t status = 0;
    xn_model_reset(model);
    for (uint32_t run = 0; status == 0 && run < runs; run++) {
        write_inputs(model, golden, &random, &stored);
        status = xn_model_run(model, 0);
        for (uint32_t i = 0; status == 0 && i < header->output_count; i++) {
            take(to, xn_model_output(model, i), outputs[i].bytes);
        }
    }
    xn_model_reset(model);
    return status;
}

static void add_to_crc(void *to, const uint8_t *at, uint32_t n) {
    uint32_t crc = *(uint32_t *)to;
    for (uint32_t i = 0; i < n; i++) {
        crc ^= at[i];
        for (uint32_t bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? CRC32_REVERSED : 0);
        }
    }
    *(uint32_t *)to = crc;
}

int32_t xn_model_test(xn_model *model, uint32_t crc32) {
    uint32_t crc = 0xFFFFFFFFu;
    int32_t status = xn_model_run_golden(model, add_to_crc, &crc);
    if (status != 0) {
        return status;
    }
    return (crc ^ 0xFFFFFFFFu) == crc32 ? 0 : XN_MODEL_E_GOLDEN;
}
