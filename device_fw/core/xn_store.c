#include "xn_store.h"

#include <string.h>

#include "xn_error.h"
#include "xn_extent.h"
#include "xn_flash.h"
#include "xn_port.h"
#include "xn_sha256.h"
#include "xn_table.h"

enum stage { IDLE, WRITING, VERIFIED };

// The new object.
static struct {
    enum stage stage;
    xn_store_object object;
    bool have;                                    // its extent is there already
    uint8_t erased[(XN_STORE_SECTORS + 7u) / 8u]; // bit per sector of the extent: may be programmed
} upload;

static uint32_t damaged; // extent whose bytes were found to be wrong: not to be shared; 0: none

bool (*xn_store_in_use)(const uint8_t *at, uint32_t n);

int xn_store_mount(void) {
    upload.stage = IDLE;
    damaged = 0;
    return xn_table_mount();
}

// ---- Looking up -------------------------------------------------------------------------------

static void to_object(const xn_log_record *record, xn_store_object *object) {
    memcpy(object->name, record->name, sizeof(object->name));
    object->type = record->type;
    object->size = record->size;
    object->version = record->version;
    object->offset = record->offset;
    memcpy(object->sha256, record->sha256, sizeof(object->sha256));
}

int xn_store_find(const char *name, xn_store_object *object) {
    xn_log_record record;
    int index = xn_table_find(name, &record);
    if (index < 0) {
        return index;
    }
    to_object(&record, object);
    return XN_OK;
}

int xn_store_next(uint32_t *cursor, xn_store_object *object) {
    if (!xn_table_now.mounted) {
        return XN_E_STORE;
    }
    while (*cursor < xn_table_now.count) {
        uint32_t index = (*cursor)++;
        if (!xn_table_now.entries[index].retained) {
            xn_log_record record;
            int status = xn_table_read(index, &record);
            if (status != XN_OK) {
                return status;
            }
            to_object(&record, object);
            return 1;
        }
    }
    return 0;
}

uint32_t xn_store_free_bytes(void) {
    return xn_table_now.mounted ? xn_extent_free() : 0;
}

const uint8_t *xn_store_map(const xn_store_object *object) {
    return xn_port_flash_map(object->offset);
}

const char *xn_store_active(void) {
    return xn_table_now.mounted ? xn_table_now.active : "";
}

// ---- A new object -----------------------------------------------------------------------------

static int check_wanted(const xn_store_object *want) {
    uint32_t room = xn_table_now.data_end - xn_table_now.data_start;
    uint32_t sectors = xn_extent_bytes(want->size < room ? want->size : room) /
                       xn_port_flash_geometry()->sector_bytes;
    if (want->type < XN_STORE_BLOB || want->type > XN_STORE_DATA) {
        return xn_error_limit(XN_E_TYPE, "type", want->type, XN_STORE_DATA);
    }
    if (want->size == 0) {
        return xn_error_at(XN_E_RANGE, "size", 0);
    }
    if (want->size > room) {
        return xn_error_limit(XN_E_NO_SPACE, "size", want->size, room);
    }
    if (sectors > XN_STORE_SECTORS) {
        return xn_error_limit(XN_E_NO_SPACE, "sectors", sectors, XN_STORE_SECTORS);
    }
    return xn_table_check_name(want->name);
}

// Whether any version of any name has these bytes: 1, 0, or an error. *offset: its extent.
static int find_bytes(const xn_store_object *want, uint32_t *offset) {
    xn_log_record record;
    for (uint32_t i = xn_table_now.count; i-- > 0;) {
        int status = xn_table_read(i, &record);
        if (status != XN_OK) {
            return status;
        }
        if (record.size == want->size && record.offset != damaged &&
            memcmp(record.sha256, want->sha256, 32) == 0) {
            *offset = record.offset;
            return 1;
        }
    }
    return 0;
}

// Makes sure that a commit finds an entry free.
static int reserve_entry(const xn_store_object *want) {
    xn_log_record record;
    while (xn_table_now.count >= XN_STORE_OBJECTS) {
        int evicted = xn_table_evict();
        if (evicted < 0) {
            return evicted;
        }
        if (evicted == 0) {
            // A new version of a name takes the place of the old one.
            return xn_table_find(want->name, &record) >= 0
                       ? XN_OK
                       : xn_error_limit(XN_E_NO_SPACE, "objects", xn_table_now.count,
                                        XN_STORE_OBJECTS);
        }
    }
    return XN_OK;
}

int xn_store_begin(const xn_store_object *want, bool *have) {
    upload.stage = IDLE;
    int status = xn_table_now.mounted ? check_wanted(want) : XN_E_STORE;
    if (status == XN_OK) {
        status = reserve_entry(want);
    }
    if (status != XN_OK) {
        return status;
    }
    upload.object = *want;
    int found = find_bytes(want, &upload.object.offset);
    if (found == 0) {
        status = xn_extent_take(xn_extent_bytes(want->size), &upload.object.offset);
        memset(upload.erased, 0, sizeof(upload.erased));
    }
    if (found < 0 || status != XN_OK) {
        return found < 0 ? found : status;
    }
    upload.have = found == 1;
    upload.stage = WRITING;
    *have = upload.have;
    return XN_OK;
}

// Erases the sectors of [offset, offset + n) that this upload has not erased yet.
static int prepare(uint32_t offset, uint32_t n) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    for (uint32_t i = offset / sector; i <= (offset + n - 1u) / sector; i++) {
        uint8_t bit = (uint8_t)(1u << (i & 7u));
        if ((upload.erased[i >> 3] & bit) == 0) {
            int status = xn_port_flash_erase(upload.object.offset + i * sector);
            if (status != XN_OK) {
                return xn_error_at(status, "erase, sector", i);
            }
            upload.erased[i >> 3] |= bit;
            xn_table_now.erases++;
        }
    }
    return XN_OK;
}

int xn_store_write(uint32_t offset, const uint8_t *bytes, uint32_t n) {
    uint32_t size = upload.object.size;
    if (upload.stage == IDLE) {
        return XN_E_SESSION;
    }
    if (offset > size || n > size - offset) {
        return xn_error_limit(XN_E_RANGE, "piece at", offset, size);
    }
    if (offset % XN_FLASH_PIECE != 0 || n == 0 || (n % XN_FLASH_PIECE != 0 && n != size - offset)) {
        return xn_error_at(XN_E_RANGE, "not a multiple of 256: piece at", offset);
    }
    if (upload.have) {
        return XN_OK; // verify will tell whether the bytes that are there are right
    }
    upload.stage = WRITING;
    int status = prepare(offset, n);
    return status != XN_OK ? status : xn_flash_place(upload.object.offset + offset, bytes, n);
}

static void version_of_upload(void) {
    xn_log_record current;
    upload.object.version = 1;
    if (xn_table_find(upload.object.name, &current) >= 0) {
        bool same = current.offset == upload.object.offset && current.type == upload.object.type;
        upload.object.version = current.version + (same ? 0u : 1u);
    }
}

int xn_store_verify(xn_store_object *object) {
    xn_sha256 hash;
    uint8_t digest[32];
    if (upload.stage == IDLE) {
        return XN_E_SESSION;
    }
    const uint8_t *at = xn_port_flash_map(upload.object.offset);
    xn_port_sync_code(at, upload.object.size);
    xn_sha256_begin(&hash);
    xn_sha256_add(&hash, at, upload.object.size);
    xn_sha256_end(&hash, digest);
    if (memcmp(digest, upload.object.sha256, sizeof(digest)) != 0) {
        damaged = upload.have ? upload.object.offset : damaged;
        return xn_error_at(XN_E_HASH, "bytes hashed", upload.object.size);
    }
    version_of_upload();
    upload.stage = VERIFIED;
    *object = upload.object;
    return XN_OK;
}

static void object_record(xn_log_record *record, bool activate) {
    const xn_store_object *o = &upload.object;
    memset(record, 0, sizeof(*record));
    record->kind = XN_LOG_OBJECT;
    record->flags = activate ? XN_LOG_ACTIVATES : 0;
    record->type = (uint16_t)o->type;
    memcpy(record->name, o->name, strlen(o->name));
    memcpy(record->sha256, o->sha256, sizeof(record->sha256));
    record->offset = o->offset;
    record->size = o->size;
    record->extent_bytes = xn_extent_bytes(o->size);
    record->version = o->version;
}

int xn_store_commit(bool activate) {
    xn_log_record record;
    if (upload.stage != VERIFIED) {
        return XN_E_SESSION;
    }
    upload.stage = IDLE;
    int index = xn_table_find(upload.object.name, &record);
    if (index >= 0 && record.version == upload.object.version) {
        return activate ? xn_store_activate(upload.object.name) : XN_OK; // it is current already
    }
    uint32_t cursor = xn_table_now.cursor;
    object_record(&record, activate);
    int status = xn_table_commit(&record);
    if (upload.have) {
        xn_table_now.cursor = cursor; // no new extent was taken
    }
    if (status == XN_OK && xn_table_now.count > XN_STORE_OBJECTS) {
        int evicted = xn_table_evict();
        status = evicted < 0 ? evicted : XN_OK;
    }
    return status;
}

void xn_store_abort(void) {
    upload.stage = IDLE;
}

// ---- Changes ----------------------------------------------------------------------------------

static int commit_name(enum xn_log_kind kind, const char *name) {
    xn_log_record record;
    int index = xn_table_find(name, &record);
    if (index < 0) {
        return index;
    }
    memset(&record, 0, sizeof(record));
    record.kind = (uint8_t)kind;
    memcpy(record.name, name, strlen(name)); // a name that was found is not too long
    return xn_table_commit(&record);
}

int xn_store_remove(const char *name) {
    return commit_name(XN_LOG_REMOVE, name);
}

int xn_store_activate(const char *name) {
    return strcmp(name, xn_store_active()) == 0 ? XN_OK : commit_name(XN_LOG_ACTIVE, name);
}
