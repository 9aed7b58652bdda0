#include "model/xn_loader.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/xn_bytes.h"
#include "base/xn_sha256.h"
#include "base/xn_status.h"
#include "model/xn_scan.h"

#define XN_DETAILS_MAX (1u << 24) // of the details when inflated
#define HASHED_FROM 40u           // the header's first bytes are not hashed: magic, length, hash

// A blob being checked; its length is right after check_length().
typedef struct image {
    const uint8_t *blob;
    uint32_t bytes;
    const xn_loader_place *place;
    xn_reason *why;
} image;

// ---- The whole --------------------------------------------------------------------------------

// Whether the part of the header that format 1.0 has no use for holds anything.
static bool has_news(const xn_blob_header *h) {
    const uint8_t *at = (const uint8_t *)&h->details_offset;
    const uint8_t *end = (const uint8_t *)(h + 1);
    while (at < end && *at == 0) {
        at++;
    }
    return at < end;
}

static int check_length(image *in, xn_loader_program *to) {
    if (in->bytes < sizeof(xn_blob_header)) {
        return xn_reason_limit(in->why, XN_E_BLOB_SHORT, "bytes", in->bytes,
                               sizeof(xn_blob_header));
    }
    if (((uintptr_t)in->blob & (XN_SECTION_ALIGN - 1u)) != 0) {
        return xn_reason_at(in->why, XN_E_BLOB_BOUNDS, "address modulo 64",
                            (uint32_t)((uintptr_t)in->blob & (XN_SECTION_ALIGN - 1u)));
    }
    const xn_blob_header *h = (const void *)in->blob;
    if (h->magic != XN_BLOB_MAGIC) {
        return xn_reason_at(in->why, XN_E_BLOB_MAGIC, "magic", h->magic);
    }
    if (h->format_major != XN_BLOB_MAJOR && h->format_major != 1u) {
        return xn_reason_limit(in->why, XN_E_BLOB_VERSION, "major", h->format_major, XN_BLOB_MAJOR);
    }
    if (h->format_minor > XN_BLOB_MINOR) {
        return xn_reason_limit(in->why, XN_E_BLOB_VERSION, "minor", h->format_minor, XN_BLOB_MINOR);
    }
    if (h->flags != 0) {
        return xn_reason_at(in->why, XN_E_BLOB_VERSION, "flags", h->flags);
    }
    if (h->reserved != 0 || (h->format_major == 1u && has_news(h))) {
        return xn_reason_at(in->why, XN_E_BLOB_VERSION, "header's reserved", h->reserved);
    }
    if (h->total_bytes > in->bytes) {
        return xn_reason_limit(in->why, XN_E_BLOB_SHORT, "total_bytes", h->total_bytes, in->bytes);
    }
    if (h->total_bytes < sizeof(xn_blob_header) || h->total_bytes % XN_SECTION_ALIGN != 0) {
        return xn_reason_at(in->why, XN_E_BLOB_BOUNDS, "total_bytes", h->total_bytes);
    }
    in->bytes = h->total_bytes;
    to->blob = in->blob;
    to->header = h;
    return XN_OK;
}

static int check_hash(const image *in) {
    uint8_t digest[32];
    xn_sha256_of(in->blob + HASHED_FROM, in->bytes - HASHED_FROM, digest, in->place->pause);
    if (memcmp(digest, in->blob + offsetof(xn_blob_header, sha256), sizeof(digest)) != 0) {
        return xn_reason_at(in->why, XN_E_BLOB_HASH, "bytes hashed", in->bytes - HASHED_FROM);
    }
    return XN_OK;
}

// ---- Bounds -----------------------------------------------------------------------------------

// [offset, offset + bytes) is behind the header, within the blob, and starts aligned.
static int check_section(const image *in, const char *what, uint32_t offset, uint32_t bytes,
                         uint32_t align) {
    if (offset < sizeof(xn_blob_header) || !xn_bytes_in_range(offset, bytes, in->bytes)) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, what, offset, in->bytes);
    }
    return offset % align != 0 ? xn_reason_at(in->why, XN_E_BLOB_BOUNDS, what, offset) : XN_OK;
}

// The same for a table; at least one item, at most `limit`.
static int check_table(const image *in, const char *what, uint32_t offset, uint32_t count,
                       uint32_t item_bytes) {
    if (count == 0 || count > in->bytes / item_bytes) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, what, count, in->bytes / item_bytes);
    }
    return check_section(in, what, offset, count * item_bytes, 4);
}

// They are inflated by those who show them, within the stated length.
static int check_details(const image *in) {
    const xn_blob_header *h = (const void *)in->blob;
    if (h->details_unpacked - 1u >= XN_DETAILS_MAX) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "details_unpacked", h->details_unpacked,
                               XN_DETAILS_MAX);
    }
    return check_section(in, "details", h->details_offset, h->details_bytes, 1);
}

static int check_objects(const image *in) {
    const xn_blob_header *h = (const void *)in->blob;
    if ((h->object_offset | h->object_count) == 0) {
        return XN_OK;
    }
    int status =
        check_table(in, "objects", h->object_offset, h->object_count, sizeof(xn_blob_object));
    if (status == XN_OK && h->object_count > XN_BLOB_OBJECTS) {
        status =
            xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "objects", h->object_count, XN_BLOB_OBJECTS);
    }
    const xn_blob_object *objects = (const void *)(in->blob + h->object_offset);
    for (uint32_t i = 0; status == XN_OK && i < h->object_count; i++) {
        if (objects[i].bytes == 0 || objects[i].reserved != 0) {
            status =
                xn_reason_at(in->why, XN_E_BLOB_BOUNDS, "bytes or reserved field of object", i);
        }
    }
    return status;
}

static int check_tables(const image *in, xn_loader_program *to) {
    const xn_blob_header *h = to->header;
    uint32_t io_count = (uint32_t)h->input_count + h->output_count;
    int status =
        check_table(in, "variants", h->variant_offset, h->variant_count, sizeof(xn_blob_variant));
    if (status == XN_OK && (h->input_count == 0 || h->output_count == 0)) {
        status = xn_reason_at(in->why, XN_E_BLOB_BOUNDS, "inputs or outputs", 0);
    }
    if (status == XN_OK) {
        status = check_table(in, "io", h->io_offset, io_count, sizeof(xn_blob_io));
    }
    if (status == XN_OK) {
        status = check_table(in, "entries", h->entry_offset, h->entry_count, sizeof(xn_blob_entry));
    }
    if (status == XN_OK) {
        status = check_section(in, "metadata", h->metadata_offset, h->metadata_bytes, 1);
    }
    if (status == XN_OK && (h->details_offset | h->details_bytes | h->details_unpacked) != 0) {
        status = check_details(in);
    }
    if (status == XN_OK) {
        status = check_objects(in);
    }
    if (status != XN_OK) {
        return status;
    }
    to->inputs = (const void *)(in->blob + h->io_offset);
    to->outputs = to->inputs + h->input_count;
    to->entries = (const void *)(in->blob + h->entry_offset);
    return XN_OK;
}

// ---- The variant for this CPU -----------------------------------------------------------------

static bool runs_at(const xn_loader_place *place, const xn_blob_variant *v) {
    return v->family == place->family && v->level <= place->level &&
           (v->features & ~place->features) == 0;
}

static int choose_variant(const image *in, xn_loader_program *to) {
    const xn_blob_variant *variants = (const void *)(in->blob + to->header->variant_offset);
    for (uint32_t i = 0; i < to->header->variant_count; i++) {
        if (runs_at(in->place, &variants[i])) {
            to->variant = &variants[i];
            return XN_OK;
        }
    }
    return xn_reason_limit(in->why, XN_E_BLOB_CPU, "it is for level", variants[0].level,
                           in->place->level);
}

static int check_steps(const image *in, xn_loader_program *to) {
    const xn_blob_variant *v = to->variant;
    bool halves = v->family == XN_FAMILY_CORTEX_M || v->family == XN_FAMILY_RV32;
    uint32_t align = halves ? 2u : 1u;
    int status = check_table(in, "steps", v->step_offset, v->step_count, sizeof(uint32_t));
    if (status != XN_OK) {
        return status;
    }
    to->steps = (const void *)(in->blob + v->step_offset);
    for (uint32_t i = 0; i < v->step_count; i++) {
        if (to->steps[i] >= v->code_bytes || to->steps[i] % align != 0) {
            return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "step's code at", to->steps[i],
                                   v->code_bytes);
        }
    }
    return XN_OK;
}

static int check_weights(const image *in, xn_loader_program *to) {
    const xn_blob_header *h = to->header;
    const xn_blob_variant *v = to->variant;
    to->needs = NULL;
    if (v->object == 0) {
        return check_section(in, "weights", v->weights_offset, v->weights_bytes, XN_SECTION_ALIGN);
    }
    if (v->object > h->object_count) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "variant's object", v->object,
                               h->object_count);
    }
    to->needs = (const xn_blob_object *)(const void *)(in->blob + h->object_offset) + v->object - 1;
    if (!xn_bytes_in_range(v->weights_offset, v->weights_bytes, to->needs->bytes) ||
        v->weights_offset % XN_SECTION_ALIGN != 0) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "weights in their object",
                               v->weights_offset, to->needs->bytes);
    }
    return XN_OK;
}

static int check_reserved(const image *in, const xn_blob_variant *v) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < sizeof(v->reserved) / sizeof(v->reserved[0]); i++) {
        bits |= v->reserved[i];
    }
    return bits != 0 ? xn_reason_at(in->why, XN_E_BLOB_VERSION, "variant's reserved", bits) : XN_OK;
}

static int check_variant(const image *in, xn_loader_program *to) {
    const xn_blob_variant *v = to->variant;
    int status = check_section(in, "code", v->code_offset, v->code_bytes, XN_SECTION_ALIGN);
    if (status == XN_OK && (v->code_bytes == 0 || v->code_bytes % 4u != 0)) {
        status = xn_reason_at(in->why, XN_E_BLOB_BOUNDS, "code_bytes", v->code_bytes);
    }
    if (status == XN_OK) {
        status = check_weights(in, to);
    }
    if (status == XN_OK) {
        status = check_reserved(in, v);
    }
    if (status == XN_OK) {
        status = check_steps(in, to);
    }
    if (status == XN_OK && v->arena_bytes % XN_ARENA_ALIGN != 0) {
        status = xn_reason_at(in->why, XN_E_BLOB_BOUNDS, "arena_bytes", v->arena_bytes);
    }
    if (status == XN_OK && v->arena_bytes > in->place->arena_bytes) {
        status = xn_reason_limit(in->why, XN_E_ARENA, "arena_bytes", v->arena_bytes,
                                 in->place->arena_bytes);
    }
    if (status == XN_OK && v->stack_bytes > in->place->stack_bytes) {
        status = xn_reason_limit(in->why, XN_E_STACK, "stack_bytes", v->stack_bytes,
                                 in->place->stack_bytes);
    }
    if (status == XN_OK && v->family == XN_FAMILY_CORTEX_M) {
        status = xn_scan_code(in->blob + v->code_offset, v->code_bytes, to->steps, v->step_count,
                              in->why);
    }
    return status;
}

// ---- What lies in the arena -------------------------------------------------------------------

static int check_arena_range(const image *in, const xn_loader_program *p, const char *what,
                             uint32_t offset, uint32_t bytes) {
    if (!xn_bytes_in_range(offset, bytes, p->variant->arena_bytes)) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, what, offset, p->variant->arena_bytes);
    }
    return offset % XN_ARENA_ALIGN != 0 ? xn_reason_at(in->why, XN_E_BLOB_BOUNDS, what, offset)
                                        : XN_OK;
}

// Also checks that all inputs together, and all outputs, are less than 2 GB: sums cannot overflow.
static int check_io(const image *in, const xn_loader_program *p, const xn_blob_io *io,
                    uint32_t count, const char *what, uint32_t *total) {
    *total = 0;
    for (uint32_t i = 0; i < count; i++) {
        int status = check_arena_range(in, p, what, io[i].arena_offset, io[i].bytes);
        if (status != XN_OK) {
            return status;
        }
        if (io[i].bytes > (uint32_t)INT32_MAX - *total) {
            return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, what, io[i].bytes, INT32_MAX);
        }
        *total += io[i].bytes;
    }
    return XN_OK;
}

static int check_entry(const image *in, const xn_loader_program *p, const xn_blob_entry *e) {
    uint32_t steps = p->variant->step_count;
    if (e->network_steps > steps) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "network_steps", e->network_steps, steps);
    }
    if (!xn_bytes_in_range(e->head_step, e->head_steps, steps)) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "head_step", e->head_step, steps);
    }
    if (e->result_bytes > (uint32_t)INT32_MAX) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "result_bytes", e->result_bytes,
                               INT32_MAX);
    }
    if (e->reserved != 0) {
        return xn_reason_at(in->why, XN_E_BLOB_BOUNDS, "entry's reserved field", e->reserved);
    }
    if (e->result == XN_RESULT_TENSORS && (e->result_offset | e->result_bytes) != 0) {
        return xn_reason_at(in->why, XN_E_BLOB_BOUNDS, "result of an entry that has none, bytes",
                            e->result_bytes);
    }
    return check_arena_range(in, p, "result_offset", e->result_offset, e->result_bytes);
}

static int check_entries(const image *in, const xn_loader_program *p) {
    for (uint32_t i = 0; i < p->header->entry_count; i++) {
        int status = check_entry(in, p, &p->entries[i]);
        if (status != XN_OK) {
            return status;
        }
    }
    return XN_OK;
}

static int check_state(const image *in, const xn_loader_program *p) {
    const xn_blob_header *h = p->header;
    if (!xn_bytes_in_range(h->reset_step, h->reset_steps, p->variant->step_count)) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "reset_step", h->reset_step,
                               p->variant->step_count);
    }
    return check_arena_range(in, p, "state_offset", h->state_offset, h->state_bytes);
}

// The bytes of inputs or outputs of all runs; if that is more than 2^32, more than any blob has.
static uint32_t of_all_runs(const xn_loader_program *p, uint32_t bytes) {
    uint64_t all = (uint64_t)bytes * p->golden_runs;
    return all > UINT32_MAX ? UINT32_MAX : (uint32_t)all;
}

static int check_golden_kinds(const image *in, const xn_blob_golden *golden, uint32_t input_bytes) {
    if (golden->input_kind > XN_GOLDEN_FLOATS) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "golden input_kind", golden->input_kind,
                               XN_GOLDEN_FLOATS);
    }
    if (golden->output_kind > XN_GOLDEN_SHA256) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "golden output_kind", golden->output_kind,
                               XN_GOLDEN_SHA256);
    }
    if ((golden->input_kind == XN_GOLDEN_STORED) != (golden->seed == 0)) {
        return xn_reason_at(in->why, XN_E_BLOB_BOUNDS, "golden seed", golden->seed);
    }
    if (golden->input_kind == XN_GOLDEN_FLOATS && input_bytes % 4u != 0) {
        return xn_reason_at(in->why, XN_E_BLOB_BOUNDS, "bytes of inputs of floats", input_bytes);
    }
    return XN_OK;
}

static int check_golden(const image *in, xn_loader_program *to, uint32_t input_bytes,
                        uint32_t output_bytes) {
    const xn_blob_header *h = to->header;
    to->golden = NULL;
    if ((h->golden_offset | h->golden_bytes) == 0) {
        return XN_OK;
    }
    int status = check_section(in, "golden", h->golden_offset, h->golden_bytes, XN_SECTION_ALIGN);
    if (status == XN_OK && h->golden_bytes < sizeof(xn_blob_golden)) {
        status = xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "golden_bytes", h->golden_bytes,
                                 sizeof(xn_blob_golden));
    }
    if (status != XN_OK) {
        return status;
    }
    const xn_blob_golden *golden = (const void *)(in->blob + h->golden_offset);
    status = check_golden_kinds(in, golden, input_bytes);
    if (status != XN_OK) {
        return status;
    }
    to->golden_runs = golden->runs == 0 ? 1u : golden->runs;
    bool stored = golden->input_kind == XN_GOLDEN_STORED;
    uint32_t expected = stored ? of_all_runs(to, input_bytes) : 0;
    if (golden->input_bytes != expected) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "golden input_bytes", golden->input_bytes,
                               expected);
    }
    bool hashed = golden->output_kind == XN_GOLDEN_SHA256;
    expected = hashed ? XN_SHA256_BYTES : of_all_runs(to, output_bytes);
    uint32_t left = h->golden_bytes - (uint32_t)sizeof(*golden);
    if (golden->output_bytes != expected || golden->input_bytes > left ||
        golden->output_bytes != left - golden->input_bytes) {
        return xn_reason_limit(in->why, XN_E_BLOB_BOUNDS, "golden output_bytes",
                               golden->output_bytes, expected);
    }
    to->golden = golden;
    return XN_OK;
}

static int check_memory(const image *in, xn_loader_program *to) {
    uint32_t input_bytes;
    uint32_t output_bytes;
    int status = check_io(in, to, to->inputs, to->header->input_count, "input", &input_bytes);
    if (status == XN_OK) {
        status = check_io(in, to, to->outputs, to->header->output_count, "output", &output_bytes);
    }
    if (status == XN_OK) {
        status = check_entries(in, to);
    }
    if (status == XN_OK) {
        status = check_state(in, to);
    }
    return status != XN_OK ? status : check_golden(in, to, input_bytes, output_bytes);
}

int xn_loader_check(xn_loader_program *program, const uint8_t *blob, uint32_t bytes,
                    const xn_loader_place *place, xn_reason *why) {
    image in = {blob, bytes, place, why};
    *why = (xn_reason){0};
    int status = check_length(&in, program);
    if (status == XN_OK) {
        status = check_hash(&in);
    }
    if (status == XN_OK) {
        status = check_tables(&in, program);
    }
    if (status == XN_OK) {
        status = choose_variant(&in, program);
    }
    if (status == XN_OK) {
        status = check_variant(&in, program);
    }
    return status != XN_OK ? status : check_memory(&in, program);
}
