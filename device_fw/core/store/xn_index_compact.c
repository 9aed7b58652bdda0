// Compaction: the records that still count, copied to the log's other area.
#include <string.h>

#include "base/xn_error.h"
#include "store/xn_index.h"
#include "store/xn_wear.h"

static uint32_t count_events(void) {
    xn_log_record record;
    uint32_t count = 0;
    for (uint32_t slot = 1; slot < xn_log_end(); slot++) {
        count += xn_log_look(slot, &record) == 1 && xn_index_is_event(&record);
    }
    return count;
}

static int copy_as(xn_log_record *record, uint16_t *new_slot) {
    uint32_t slot = 0;
    int status = xn_log_compact_copy(record, &slot);
    *new_slot = (uint16_t)slot;
    return status;
}

static int copy_event(xn_log_record *record) {
    uint16_t slot;
    record->type = record->kind == XN_LOG_EVENT ? record->type : record->kind;
    record->kind = XN_LOG_EVENT;
    record->flags = XN_LOG_SKIPPABLE;
    return copy_as(record, &slot);
}

// An object as it is now, without what else its record said: that has happened.
static int copy_object(xn_log_record *record, xn_index_entry *e) {
    record->flags &= XN_LOG_SEALED;
    record->state = e->state;
    record->confirm_s = record->boots = record->previous = 0;
    uint16_t slot;
    int status = copy_as(record, &slot);
    e->new_slot = slot & 0x3FFFu;
    return status;
}

static xn_index_entry *entry_of(uint32_t slot) {
    for (uint32_t i = 0; i < xn_index_now.count; i++) {
        if (xn_index_now.entries[i].slot == slot) {
            return &xn_index_now.entries[i];
        }
    }
    return NULL;
}

static int copy_slot(uint32_t slot, uint32_t *events_left) {
    xn_index *t = &xn_index_now;
    xn_log_record record;
    xn_index_entry *e = entry_of(slot);
    if (xn_log_look(slot, &record) == 0) {
        // A record that counts but can no longer be read must not be lost by copying without it.
        return e == NULL ? XN_OK : xn_error_at(XN_E_FLASH, "record is damaged, slot", slot);
    }
    if (e != NULL) {
        return copy_object(&record, e);
    }
    if (slot == t->begun) {
        record.flags &= XN_LOG_SEALED;
        return copy_as(&record, &t->new_begun);
    }
    if (slot == t->testing) {
        return copy_as(&record, &t->new_testing);
    }
    if (xn_index_is_event(&record) && (*events_left)-- <= XN_STORE_EVENTS) {
        return copy_event(&record);
    }
    return XN_OK;
}

static int add_active(void) {
    const xn_index *t = &xn_index_now;
    xn_log_record active;
    memset(&active, 0, sizeof(active));
    active.kind = XN_LOG_ACTIVE;
    memcpy(active.name, t->active, sizeof(active.name));
    if (t->trial.on) {
        active.flags = t->trial.withdraws ? XN_LOG_WITHDRAWS : 0;
        active.version = t->trial.version;
        active.previous = t->trial.previous;
        active.confirm_s = t->trial.confirm_s;
        active.boots = t->trial.boots;
    }
    return xn_log_compact_add(&active);
}

static void take_new_slots(void) {
    xn_index *t = &xn_index_now;
    for (uint32_t i = 0; i < t->count; i++) {
        t->entries[i].slot = t->entries[i].new_slot;
    }
    t->begun = t->begun == 0 ? 0 : t->new_begun;
    t->testing = t->testing == 0 ? 0 : t->new_testing;
}

// Twice: one that rots does not lower it.
static int add_counter(void) {
    xn_log_record floor;
    int status = XN_OK;
    memset(&floor, 0, sizeof(floor));
    floor.kind = XN_LOG_COUNTER;
    floor.counter = xn_index_now.counter_floor;
    for (uint32_t i = 0; i < 2u && floor.counter != 0 && status == XN_OK; i++) {
        status = xn_log_compact_add(&floor);
    }
    return status;
}

int xn_index_compact(bool emptied) {
    xn_index *t = &xn_index_now;
    uint32_t events = emptied ? 0 : count_events();
    int status = xn_log_compact_begin();
    for (uint32_t slot = 1; !emptied && slot < xn_log_end() && status == XN_OK; slot++) {
        status = copy_slot(slot, &events);
    }
    if (status == XN_OK) {
        status = add_active();
    }
    if (status == XN_OK) {
        status = add_counter();
    }
#if XN_LOCKABLE
    if (status == XN_OK) {
        status = xn_index_add_trust();
    }
#endif
    if (status == XN_OK) {
        status = xn_wear_save();
    }
    if (status == XN_OK) {
        status = xn_log_compact_finish(t->cursor, &t->format_sequence);
    }
    if (status == XN_OK) {
        take_new_slots();
    }
    return status;
}
