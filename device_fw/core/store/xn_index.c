#include "store/xn_index.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_crc32.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "store/xn_wear.h"

xn_index xn_index_now;

int xn_index_check_name(const char *name) {
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

void xn_index_describe(const xn_log_record *record, xn_store_object *object) {
    memcpy(object->name, record->name, sizeof(object->name));
    object->type = record->type;
    object->size = record->size;
    object->version = record->version;
    object->offset = record->offset;
    memcpy(object->sha256, record->sha256, sizeof(object->sha256));
#if XN_LOCKABLE
    bool sealed = (record->flags & XN_LOG_SEALED) != 0;
    object->seal = sealed ? record->offset + record->extent_bytes - XN_LOG_SEAL : 0;
    object->counter = sealed ? record->counter : 0;
#endif
}

uint32_t xn_index_name_crc(const char *name) {
    return xn_crc32(name, (uint32_t)strlen(name));
}

int xn_index_read(uint32_t index, xn_log_record *record) {
    return xn_log_read(xn_index_now.entries[index].slot, record);
}

int xn_index_is_named(uint32_t index, const char *name, uint32_t name_crc, xn_log_record *record) {
    if (xn_index_now.entries[index].name_crc != name_crc) {
        return 0;
    }
    int status = xn_index_read(index, record);
    return status != XN_OK ? status : strcmp(record->name, name) == 0;
}

int xn_index_find_in(const char *name, enum xn_store_state state, uint32_t version,
                     xn_log_record *record) {
    const xn_index *t = &xn_index_now;
    xn_log_record seen;
    int found = XN_E_NOT_FOUND;
    if (!t->mounted) {
        return xn_index_status();
    }
    uint32_t name_crc = xn_index_name_crc(name);
    for (uint32_t i = 0; i < t->count; i++) {
        int is =
            t->entries[i].state == (uint8_t)state ? xn_index_is_named(i, name, name_crc, &seen) : 0;
        if (is < 0) {
            return is;
        }
        bool wanted = version == 0 || seen.version == version;
        if (is == 1 && wanted && (found < 0 || seen.version > record->version)) {
            *record = seen;
            found = (int)i;
        }
    }
    return found;
}

int xn_index_find(const char *name, xn_log_record *record) {
    return xn_index_find_in(name, XN_STORE_CURRENT, 0, record);
}

const char *xn_index_find_bundle(const char *name, xn_log_record *record) {
    char bundle[XN_STORE_NAME_MAX + 1];
    size_t n = strlen(name);
    while (n > 0 && name[n] != '/') {
        n--;
    }
    if (n == 0 || n > XN_STORE_NAME_MAX) {
        return NULL;
    }
    memcpy(bundle, name, n);
    bundle[n] = 0;
    bool is_one = xn_index_find(bundle, record) >= 0 && record->type == XN_STORE_BUNDLE;
    return is_one ? name + n + 1u : NULL;
}

int xn_index_last_version(const char *name) {
    xn_log_record record;
    uint32_t name_crc = xn_index_name_crc(name);
    uint32_t last = 0;
    for (uint32_t i = 0; i < xn_index_now.count; i++) {
        int is = xn_index_is_named(i, name, name_crc, &record);
        if (is < 0) {
            return is;
        }
        last = is == 1 && record.version > last ? record.version : last;
    }
    return (int)last;
}

// Sectors beyond those that the table can count are left alone.
static uint32_t end_of_data(const xn_log_format *format) {
    uint32_t start = 2u * format->area_bytes;
    uint32_t sectors = (format->region_bytes - start) / format->sector_bytes;
    return start + (sectors < XN_STORE_SECTORS ? sectors : XN_STORE_SECTORS) * format->sector_bytes;
}

static int mount(void) {
    xn_index *t = &xn_index_now;
    xn_log_format format;
    uint32_t epoch = t->epoch;
    memset(t, 0, sizeof(*t));
    t->epoch = epoch;
#if XN_LOCKABLE
    xn_policy_take(NULL);
    xn_device_take(NULL);
#endif
    int status = xn_log_open(&format);
    if (status != XN_OK) {
        return status;
    }
    t->data_start = 2u * format.area_bytes;
    t->data_end = end_of_data(&format);
    t->cursor = format.cursor;
    t->format_sequence = format.sequence;
    t->capacity = format.area_bytes / XN_STORE_AREA_PER_OBJECT;
    t->capacity = t->capacity < XN_STORE_OBJECTS ? t->capacity : XN_STORE_OBJECTS;
    xn_wear_clear((t->data_end - t->data_start) / format.sector_bytes);
    t->mounted = true;
    status = xn_log_replay(xn_index_apply);
    if (status == XN_OK && format.major != XN_LOG_MAJOR) {
        (void)xn_index_compact(false); // if the flash does not take it, the old log goes on
    }
    return status;
}

// An empty store that format 2.0 made gets larger areas; nothing of its history goes there. A cut,
// or flash that does not take it: the next mount finds it empty again, and tries again.
static bool grow(void) {
    xn_log_growth growth;
    if (!xn_log_grow_begin(&growth)) {
        return false;
    }
    xn_wear_shift(growth.moved / xn_port_flash_geometry()->sector_bytes);
    xn_index_now.cursor = 0;
    if (xn_index_compact(true) == XN_OK) {
        xn_log_grow_finish(&growth);
    }
    return true;
}

int xn_index_mount(void) {
    xn_index *t = &xn_index_now;
    t->epoch++;
    int status = mount();
    if (status == XN_OK && t->count == 0 && t->begun == 0 && grow()) {
        status = mount();
    }
    t->mounted = status == XN_OK; // half a table is none
    if (status != XN_OK) {
        t->why = xn_error_keep(status);
    }
    return status;
}

int xn_index_status(void) {
    return xn_index_now.mounted ? XN_OK : xn_error_again(&xn_index_now.why);
}

uint32_t xn_index_offset(const xn_index_entry *e) {
    return xn_index_now.data_start + e->first * xn_port_flash_geometry()->sector_bytes;
}

uint32_t xn_index_bytes(const xn_index_entry *e) {
    return e->sectors * xn_port_flash_geometry()->sector_bytes;
}
