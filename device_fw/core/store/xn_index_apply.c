// What each kind of record does to the index.
#include "store/xn_index.h"

#include <string.h>

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "store/xn_wear.h"

static int find_sequence(uint32_t sequence) {
    for (uint32_t i = 0; sequence != 0 && i < xn_index_now.count; i++) {
        if (xn_index_now.entries[i].sequence == sequence) {
            return (int)i;
        }
    }
    return XN_E_NOT_FOUND;
}

static void drop(uint32_t index) {
    xn_index *t = &xn_index_now;
    t->count--;
    memmove(t->entries + index, t->entries + index + 1, (t->count - index) * sizeof(t->entries[0]));
}

static bool extent_is_sound(const xn_log_record *r) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    uint32_t seal = (r->flags & XN_LOG_SEALED) != 0 ? XN_LOG_SEAL : 0;
    return r->size > 0 && r->extent_bytes >= seal && r->size <= r->extent_bytes - seal &&
           (r->offset - xn_index_now.data_start) % sector == 0 && r->extent_bytes % sector == 0 &&
           r->offset >= xn_index_now.data_start && r->offset <= xn_index_now.data_end &&
           r->extent_bytes <= xn_index_now.data_end - r->offset;
}

static int check_extent(const xn_log_record *record, uint32_t slot) {
    return extent_is_sound(record) ? XN_OK
                                   : xn_error_at(XN_E_STORE, "extent lies outside, slot", slot);
}

static bool is_copy(const xn_log_record *record) {
    return record->sequence < xn_index_now.format_sequence;
}

static void apply_trial(const xn_log_record *record, bool withdraws) {
    xn_store_trial *trial = &xn_index_now.trial;
    trial->on = record->confirm_s != 0;
    trial->withdraws = withdraws;
    trial->version = record->version;
    trial->previous = record->previous;
    trial->confirm_s = record->confirm_s;
    trial->boots = record->boots;
}

static void set_active(const char *name) {
    memcpy(xn_index_now.active, name, sizeof(xn_index_now.active));
}

// The entry becomes the current one of its name.
static int make_current(uint32_t index, const char *name) {
    xn_log_record older;
    int old = xn_index_find(name, &older);
    if (old < 0 && old != XN_E_NOT_FOUND) {
        return old;
    }
    if (old >= 0) {
        xn_index_now.entries[old].state = XN_STORE_EARLIER;
    }
    xn_index_now.entries[index].state = XN_STORE_CURRENT;
    return XN_OK;
}

static void fill_entry(xn_index_entry *e, const xn_log_record *record, uint32_t slot) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    e->name_crc = xn_index_name_crc(record->name);
    e->first = (uint16_t)((record->offset - xn_index_now.data_start) / sector);
    e->sectors = (uint16_t)(record->extent_bytes / sector);
    e->sequence = record->sequence;
    e->slot = slot & 0x3FFFu;
    e->health = XN_STORE_UNREAD;
}

static int apply_move(const xn_log_record *record, uint32_t slot) {
    xn_log_record older;
    for (uint32_t state = XN_STORE_CURRENT; state <= XN_STORE_WITHDRAWN; state++) {
        int index =
            xn_index_find_in(record->name, (enum xn_store_state)state, record->version, &older);
        if (index >= 0) {
            fill_entry(&xn_index_now.entries[index], record, slot);
        }
        if (index != XN_E_NOT_FOUND) {
            return index < 0 ? index : XN_OK;
        }
    }
    return XN_OK;
}

static int apply_object(const xn_log_record *record, uint32_t slot) {
    xn_index *t = &xn_index_now;
    int status = check_extent(record, slot);
    if (status != XN_OK) {
        return status;
    }
    if (t->begun_at == record->offset) {
        t->begun = 0;
    }
    if ((record->flags & XN_LOG_MOVES) != 0) {
        return apply_move(record, slot);
    }
    t->testing = 0;
    if (t->count > t->capacity) {
        return xn_error_limit(XN_E_STORE, "objects", t->count, t->capacity);
    }
    if (record->state > XN_STORE_WITHDRAWN) {
        return xn_error_at(XN_E_STORE, "state of an object, slot", slot);
    }
    fill_entry(&t->entries[t->count], record, slot);
    t->entries[t->count].state = record->state & 3u;
    if (record->state == XN_STORE_CURRENT) {
        status = make_current(t->count, record->name);
    }
    t->count++;
    if ((record->flags & XN_LOG_ACTIVATES) != 0) {
        set_active(record->name);
        apply_trial(record, true);
    }
    return status;
}

static int apply_begin(const xn_log_record *record, uint32_t slot) {
    xn_index *t = &xn_index_now;
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    int status = check_extent(record, slot);
    if (status != XN_OK) {
        return status;
    }
    t->begun = (uint16_t)slot;
    t->begun_at = record->offset;
    t->begun_bytes = record->extent_bytes;
    if (!is_copy(record)) {
        t->cursor = record->offset + record->extent_bytes;
        xn_wear_add((record->offset - t->data_start) / sector, record->extent_bytes / sector);
    }
    if ((record->flags & XN_LOG_MOVES) != 0) {
        xn_wear_moved();
    }
    return XN_OK;
}

// What a name's removal means once nothing of it is current.
static int after_loss(const char *name) {
    xn_index *t = &xn_index_now;
    xn_log_record record;
    int index = xn_index_find(name, &record);
    if (index == XN_E_NOT_FOUND) {
        index = xn_index_find_in(name, XN_STORE_EARLIER, 0, &record);
        if (index >= 0) {
            t->entries[index].state = XN_STORE_CURRENT;
        }
    }
    if (index == XN_E_NOT_FOUND && strcmp(t->active, name) == 0) {
        t->active[0] = 0;
        t->trial.on = false;
    }
    return index < 0 && index != XN_E_NOT_FOUND ? index : XN_OK;
}

static int apply_remove(const xn_log_record *record) {
    xn_log_record other;
    uint32_t name_crc = xn_index_name_crc(record->name);
    bool more = true; // the oldest version is asked for most often: it is found first
    for (uint32_t i = 0; more && i < xn_index_now.count;) {
        int is = xn_index_is_named(i, record->name, name_crc, &other);
        if (is < 0) {
            return is;
        }
        if (is == 1 && (record->version == 0 || record->version == other.version)) {
            drop(i);
            more = record->version == 0;
        } else {
            i++;
        }
    }
    return after_loss(record->name);
}

static int apply_return(const xn_log_record *record) {
    xn_index *t = &xn_index_now;
    xn_log_record to;
    if (strcmp(record->name, t->active) == 0) {
        t->trial.on = false;
    }
    if ((record->flags & XN_LOG_WITHDRAWS) != 0) {
        int gone = xn_index_find_in(record->name, XN_STORE_CURRENT, record->version, &to);
        if (gone >= 0) {
            t->entries[gone].state = XN_STORE_WITHDRAWN;
        }
    }
    int index = find_sequence(record->previous);
    int status = index < 0 ? XN_OK : xn_index_read((uint32_t)index, &to);
    if (status == XN_OK && index >= 0) {
        status = make_current((uint32_t)index, to.name);
    }
    if (status == XN_OK && (record->flags & XN_LOG_SWITCHES) != 0) {
        static const char none[XN_STORE_NAME_MAX + 1];
        set_active(index < 0 ? none : to.name);
    }
    return status != XN_OK ? status : after_loss(record->name);
}

static void apply_event(const xn_log_record *record, uint32_t slot) {
    if (record->type == XN_LOG_EVENT) {
        xn_index_now.testing = record->state == XN_STORE_TESTING ? (uint16_t)slot : 0;
    }
}

static void apply_bad(const xn_log_record *record) {
    const xn_index *t = &xn_index_now;
    if (record->offset >= t->data_start) {
        xn_wear_set_bad((record->offset - t->data_start) / xn_port_flash_geometry()->sector_bytes);
    }
}

static void apply_counter(const xn_log_record *record) {
    xn_index *t = &xn_index_now;
#if XN_LOCKABLE
    // Only the confirm of what is on trial raises it during a trial, which is over with this.
    if (!is_copy(record) && record->counter > t->counter_floor) {
        t->trial.on = false;
    }
#endif
    t->counter_floor = record->counter > t->counter_floor ? record->counter : t->counter_floor;
}

static int apply_named(const xn_log_record *record, uint32_t slot) {
    xn_store_trial *trial = &xn_index_now.trial;
    switch (record->kind) {
    case XN_LOG_OBJECT:
        return apply_object(record, slot);
    case XN_LOG_REMOVE:
        return apply_remove(record);
    case XN_LOG_ACTIVE:
        set_active(record->name);
        apply_trial(record, (record->flags & XN_LOG_WITHDRAWS) != 0);
        return XN_OK;
    case XN_LOG_CONFIRM:
        trial->on = false;
        return XN_OK;
    case XN_LOG_RETURN:
        return apply_return(record);
    case XN_LOG_EVENT:
        apply_event(record, slot);
        return XN_OK;
    case XN_LOG_BEGIN:
        return apply_begin(record, slot);
    case XN_LOG_START:
        trial->boots -= trial->boots > 0 ? 1u : 0u;
        return XN_OK;
    case XN_LOG_BAD:
        apply_bad(record);
        return XN_OK;
    case XN_LOG_COUNTER:
        apply_counter(record);
        return XN_OK;
    default:
        return xn_error_at(XN_E_STORE, "record of an unknown kind", record->kind);
    }
}

// Records whose bytes are not laid out as those of the others: 1: it was one, 0, or an error.
static int apply_other(const xn_log_record *record) {
    switch (record->kind) {
    case XN_LOG_WEAR:
        xn_wear_load(record);
        return 1;
#if XN_LOCKABLE
    case XN_LOG_TRUST: {
        int status = xn_index_apply_trust(record);
        return status == XN_OK ? 1 : status;
    }
    case XN_LOG_DEVICE:
        xn_index_apply_device(record);
        return 1;
#endif
    default: // without a name, maybe
        return record->kind > XN_LOG_COUNTER && (record->flags & XN_LOG_SKIPPABLE) != 0;
    }
}

int xn_index_apply(const xn_log_record *record, uint32_t slot) {
    int other = apply_other(record);
    if (other != 0) {
        return other < 0 ? other : XN_OK;
    }
    if (memchr(record->name, 0, sizeof(record->name)) == NULL) {
        return xn_error_at(XN_E_STORE, "name has no end, slot", slot);
    }
    return apply_named(record, slot);
}

bool xn_index_is_event(const xn_log_record *record) {
    switch (record->kind) {
    case XN_LOG_ACTIVE: // those that a compaction wrote tell nothing new
        return !is_copy(record);
    case XN_LOG_REMOVE:
        return record->version == 0;
    case XN_LOG_EVENT:
        return record->type != XN_LOG_EVENT || record->state == XN_STORE_REFUSED;
    default:
        return record->kind == XN_LOG_CONFIRM || record->kind == XN_LOG_RETURN;
    }
}
