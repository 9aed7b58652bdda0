// Reads all that a checked program points at.
#ifndef WALK_PROGRAM_H
#define WALK_PROGRAM_H

#include <stdint.h>
#include <string.h>

#include "check.h"
#include "model/xn_loader.h"

static uint32_t walk_touched;

static void walk_touch(const void *at, uint32_t n) {
    const uint8_t *p = at;
    for (uint32_t i = 0; i < n; i++) {
        walk_touched += p[i];
    }
}

// Reads all that a checked program points at; a sanitizer watches.
static void walk_program(const xn_loader_program *p) {
    const xn_blob_header *h = p->header;
    const xn_blob_variant *v = p->variant;
    walk_touch(p->blob + h->metadata_offset, h->metadata_bytes);
    walk_touch(p->blob + v->code_offset, v->code_bytes);
    if (p->needs == NULL) {
        walk_touch(p->blob + v->weights_offset, v->weights_bytes);
    } else {
        walk_touch(p->needs, (uint32_t)sizeof(*p->needs));
        CHECK(v->weights_offset + (uint64_t)v->weights_bytes <= p->needs->bytes);
    }
    walk_touch(p->steps, v->step_count * 4);
    walk_touch(p->entries, h->entry_count * (uint32_t)sizeof(xn_blob_entry));
    for (uint32_t i = 0; i < h->input_count; i++) {
        CHECK(p->inputs[i].arena_offset + (uint64_t)p->inputs[i].bytes <= v->arena_bytes);
    }
    for (uint32_t i = 0; i < h->output_count; i++) {
        CHECK(p->outputs[i].arena_offset + (uint64_t)p->outputs[i].bytes <= v->arena_bytes);
    }
    for (uint32_t i = 0; i < h->entry_count; i++) {
        const xn_blob_entry *e = &p->entries[i];
        CHECK(e->network_steps <= v->step_count);
        CHECK((uint64_t)e->head_step + e->head_steps <= v->step_count);
        CHECK(e->result_offset + (uint64_t)e->result_bytes <= v->arena_bytes);
    }
    if (p->golden != NULL) {
        walk_touch(p->golden, (uint32_t)sizeof(*p->golden) + p->golden->input_bytes);
        walk_touch((const uint8_t *)(p->golden + 1) + p->golden->input_bytes,
                   p->golden->output_bytes);
    }
    walk_touch(p->blob + h->details_offset, h->details_bytes);
    CHECK(h->state_offset + (uint64_t)h->state_bytes <= v->arena_bytes);
    CHECK((uint64_t)h->reset_step + h->reset_steps <= v->step_count);
}

#endif
