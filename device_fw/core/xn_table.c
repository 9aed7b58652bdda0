#include "xn_table.h"

#include <string.h>

#include "xn_crc32.h"
#include "xn_error.h"
#include "xn_port.h"

xn_table xn_table_now;

static uint32_t format_sequence; // older records were copied by a compaction

// ---- Looking up -------------------------------------------------------------------------------

int xn_table_check_name(const char *name) {
    uint32_t n = 0;
    while (n <= XN_STORE_NAME_MAX && name[n] != 0) {
        if (name[n] < ' ' || name[n] > '~') {
            return xn_error_at(XN_E_NAME, "character", (uint8_t)name[n]);
        }
        n++;
    }
    if (n == 0 || n > XN_STORE_NAME_MAX) {
        return xn_error_limit(XN_E_NAME, "length", n, XN_STORE_NAME_MAX);
    }
    return XN_OK;
}

static uint32_t crc_of_name(const char *name) {
    return xn_crc32(name, (uint32_t)strlen(name));
}

int xn_table_read(uint32_t index, xn_log_record *record) {
    return xn_log_read(xn_table_now.entries[index].slot, record);
}

// Whether the entry has this name: 1, 0, or an error.
static int entry_is(uint32_t index, const char *name, uint32_t name_crc, xn_log_record *record) {
    if (xn_table_now.entries[index].name_crc != name_crc) {
        return 0;
    }
    int status = xn_table_read(index, record);
    return status != XN_OK ? status : strcmp(record->name, name) == 0;
}

int xn_table_find(const char *name, xn_log_record *record) {
    if (!xn_table_now.mounted) {
        return XN_E_STORE;
    }
    uint32_t name_crc = crc_of_name(name);
    for (uint32_t i = 0; i < xn_table_now.count; i++) {
        if (!xn_table_now.entries[i].retained) {
            int is = entry_is(i, name, name_crc, record);
            if (is != 0) {
                return is < 0 ? is : (int)i;
            }
        }
    }
    return XN_E_NOT_FOUND;
}

// ---- Applying records -------------------------------------------------------------------------

static void drop(uint32_t index) {
    xn_table *t = &xn_table_now;
    t->count--;
    memmove(t->entries + index, t->entries + index + 1, (t->count - index) * sizeof(t->entries[0]));
}

static bool extent_is_sound(const xn_log_record *r) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    return r->size > 0 && r->size <= r->extent_bytes && r->offset % sector == 0 &&
           r->extent_bytes % sector == 0 && r->offset >= xn_table_now.data_start &&
           r->offset <= xn_table_now.data_end &&
           r->extent_bytes <= xn_table_now.data_end - r->offset;
}

static int apply_object(const xn_log_record *record, uint32_t slot) {
    xn_table *t = &xn_table_now;
    xn_log_record older;
    if (!extent_is_sound(record)) {
        return xn_error_at(XN_E_STORE, "extent lies outside, slot", slot);
    }
    if (t->count > XN_STORE_OBJECTS) {
        return xn_error_limit(XN_E_STORE, "objects", t->count, XN_STORE_OBJECTS);
    }
    int index = xn_table_find(record->name, &older);
    if (index >= 0) {
        t->entries[index].retained = true;
    } else if (index != XN_E_NOT_FOUND) {
        return index;
    }
    xn_table_entry *e = &t->entries[t->count++];
    e->name_crc = crc_of_name(record->name);
    e->offset = record->offset;
    e->extent_bytes = record->extent_bytes;
    e->slot = (uint16_t)slot;
    e->retained = false;
    if ((record->flags & XN_LOG_ACTIVATES) != 0) {
        memcpy(t->active, record->name, sizeof(t->active));
    }
    if (record->sequence > format_sequence) {
        t->cursor = record->offset + record->extent_bytes;
        t->erases = record->erases;
    }
    return XN_OK;
}

// Afterwards the last version that is left, if any, is the current one.
static int apply_remove(const xn_log_record *record) {
    xn_table *t = &xn_table_now;
    xn_log_record other;
    uint32_t name_crc = crc_of_name(record->name);
    bool left = false;
    for (uint32_t i = t->count; i-- > 0;) {
        int is = entry_is(i, record->name, name_crc, &other);
        if (is < 0) {
            return is;
        }
        if (is == 1 && (record->version == 0 || record->version == other.version)) {
            drop(i);
        } else if (is == 1 && !left) {
            t->entries[i].retained = false;
            left = true;
        }
    }
    if (!left && strcmp(t->active, record->name) == 0) {
        t->active[0] = 0;
    }
    return XN_OK;
}

static int apply(const xn_log_record *record, uint32_t slot) {
    if (record->kind < XN_LOG_OBJECT || record->kind > XN_LOG_ACTIVE) {
        return (record->flags & XN_LOG_SKIPPABLE) != 0
                   ? XN_OK
                   : xn_error_at(XN_E_STORE, "record of an unknown kind", record->kind);
    }
    if (memchr(record->name, 0, sizeof(record->name)) == NULL) {
        return xn_error_at(XN_E_STORE, "name has no end, slot", slot);
    }
    if (record->kind == XN_LOG_OBJECT) {
        return apply_object(record, slot);
    }
    if (record->kind == XN_LOG_REMOVE) {
        return apply_remove(record);
    }
    memcpy(xn_table_now.active, record->name, sizeof(xn_table_now.active));
    return XN_OK;
}

int xn_table_mount(void) {
    xn_table *t = &xn_table_now;
    xn_log_format format;
    t->mounted = false;
    t->count = 0;
    t->active[0] = 0;
    int status = xn_log_open(&format);
    if (status != XN_OK) {
        return status;
    }
    t->data_start = 2u * format.area_bytes;
    t->data_end = format.region_bytes;
    t->cursor = format.cursor;
    t->erases = format.erases;
    format_sequence = format.sequence;
    t->mounted = true;
    status = xn_log_replay(apply);
    t->mounted = status == XN_OK; // half a table is none
    return status;
}

// ---- Writing records --------------------------------------------------------------------------

static int compact(void) {
    xn_table *t = &xn_table_now;
    xn_log_record active;
    int status = xn_log_compact_begin();
    for (uint32_t i = 0; i < t->count && status == XN_OK; i++) {
        status = xn_log_compact_copy(t->entries[i].slot);
    }
    if (status == XN_OK) {
        // Also where no model is active: a copied record may say that it activates.
        memset(&active, 0, sizeof(active));
        active.kind = XN_LOG_ACTIVE;
        memcpy(active.name, t->active, sizeof(active.name));
        status = xn_log_compact_add(&active);
    }
    if (status == XN_OK) {
        status = xn_log_compact_finish(t->cursor, t->erases);
    }
    for (uint32_t i = 0; i < t->count && status == XN_OK; i++) {
        t->entries[i].slot = (uint16_t)(i + 1u);
    }
    return status;
}

int xn_table_commit(xn_log_record *record) {
    uint32_t slot;
    if (!xn_table_now.mounted) {
        return XN_E_STORE;
    }
    int status = xn_log_full() ? compact() : XN_OK;
    if (status == XN_OK) {
        record->erases = xn_table_now.erases;
        status = xn_log_append(record, &slot);
    }
    return status != XN_OK ? status : apply(record, slot);
}

static int evict(uint32_t index) {
    xn_log_record old;
    xn_log_record remove;
    int status = xn_table_read(index, &old);
    if (status != XN_OK) {
        return status;
    }
    memset(&remove, 0, sizeof(remove));
    remove.kind = XN_LOG_REMOVE;
    remove.version = old.version;
    memcpy(remove.name, old.name, sizeof(remove.name));
    return xn_table_commit(&remove);
}

int xn_table_evict(void) {
    for (uint32_t i = 0; i < xn_table_now.count; i++) {
        if (xn_table_now.entries[i].retained) {
            int status = evict(i);
            return status == XN_OK ? 1 : status;
        }
    }
    return 0;
}
