#include "store/xn_store.h"

#include <string.h>

#include "base/xn_error.h"
#include "store/xn_extent.h"
#include "store/xn_flash.h"
#include "store/xn_move.h"
#include "base/xn_port.h"
#include "base/xn_sha256.h"
#include "store/xn_table.h"

_Static_assert(XN_FLASH_PIECE == XN_PATCH_BLOCK, "a patch is applied piece by piece");

enum stage { IDLE, WRITING, VERIFIED };

// The new object.
static struct {
    enum stage stage;
    xn_store_object object;
    bool have;                                    // its extent is there already
    bool resumed;                                 // an earlier session wrote to its extent
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
        if (xn_table_now.entries[index].state == XN_STORE_CURRENT) {
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

// Whether the unfinished upload is that of these bytes: 1, 0, or an error.
static int was_begun(const xn_store_object *want, uint32_t *offset) {
    xn_log_record record;
    if (xn_table_now.begun == 0) {
        return 0;
    }
    int status = xn_log_read(xn_table_now.begun, &record);
    if (status != XN_OK) {
        return status;
    }
    *offset = record.offset;
    return record.size == want->size && memcmp(record.sha256, want->sha256, 32) == 0;
}

static void fill_record(xn_log_record *record, enum xn_log_kind kind, const xn_store_object *o) {
    memset(record, 0, sizeof(*record));
    record->kind = (uint8_t)kind;
    record->type = (uint16_t)o->type;
    memcpy(record->name, o->name, strlen(o->name));
    memcpy(record->sha256, o->sha256, sizeof(record->sha256));
    record->size = o->size;
    record->version = o->version;
}

static void fill_extent(xn_log_record *record, enum xn_log_kind kind) {
    fill_record(record, kind, &upload.object);
    record->offset = upload.object.offset;
    record->extent_bytes = xn_extent_bytes(upload.object.size);
}

// Takes a place for the upload, by a record.
static int take_place(void) {
    xn_log_record record;
    int status = xn_extent_take(xn_extent_bytes(upload.object.size), false, &upload.object.offset);
    if (status != XN_OK) {
        return status;
    }
    fill_extent(&record, XN_LOG_BEGIN);
    return xn_table_commit(&record);
}

static int begin_anew(void) {
    xn_table_now.begun = 0; // gives up another upload
    xn_move_cold();
    return take_place();
}

// Sets upload.have and upload.resumed.
static int find_place(const xn_store_object *want) {
    int found = find_bytes(want, &upload.object.offset);
    upload.have = found == 1;
    upload.resumed = false;
    if (found != 0) {
        return found < 0 ? found : XN_OK;
    }
    found = was_begun(want, &upload.object.offset);
    upload.resumed = found == 1;
    return found == 0 ? begin_anew() : found < 0 ? found : XN_OK;
}

int xn_store_begin(xn_store_object *want, bool *have, bool *resumed) {
    upload.stage = IDLE;
    int status = xn_table_now.mounted ? check_wanted(want) : XN_E_STORE;
    if (status == XN_OK) {
        status = reserve_entry(want);
    }
    if (status == XN_OK) {
        upload.object = *want;
        memset(upload.erased, 0, sizeof(upload.erased));
        status = find_place(want);
    }
    if (status != XN_OK) {
        return status;
    }
    upload.stage = WRITING;
    want->offset = upload.object.offset;
    *have = upload.have;
    *resumed = upload.resumed;
    return XN_OK;
}

// ---- Its bytes --------------------------------------------------------------------------------

static bool is_erased(uint32_t sector) {
    return ((uint32_t)upload.erased[sector >> 3] >> (sector & 7u) & 1u) != 0;
}

// Erases a sector of the extent if this session has not done so.
static int prepare(uint32_t sector) {
    if (is_erased(sector)) {
        return XN_OK;
    }
    uint32_t bytes = xn_port_flash_geometry()->sector_bytes;
    int status = xn_flash_erase(upload.object.offset + sector * bytes);
    if (status != XN_OK) {
        return xn_error_at(status, "erase, sector", sector);
    }
    upload.erased[sector >> 3] |= (uint8_t)(1u << (sector & 7u));
    return XN_OK;
}

// Puts a piece, sector by sector. *failed: the sector that did not take it.
static int put(uint32_t offset, const uint8_t *bytes, uint32_t n, uint32_t *failed) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    int status = XN_OK;
    while (n > 0 && status == XN_OK) {
        uint32_t room = sector - offset % sector;
        uint32_t part = n < room ? n : room;
        *failed = offset / sector;
        status = prepare(*failed);
        if (status == XN_OK) {
            status = xn_flash_place(upload.object.offset + offset, bytes, part);
        }
        offset += part;
        bytes += part;
        n -= part;
    }
    return status;
}

// Copies what a sector of the upload held at its old place, but for the piece [skip, skip + n).
static int bring(uint32_t old, uint32_t sector, uint32_t skip, uint32_t n) {
    uint8_t piece[XN_FLASH_PIECE];
    uint32_t bytes = xn_port_flash_geometry()->sector_bytes;
    uint32_t end = (sector + 1u) * bytes;
    uint32_t failed;
    int status = prepare(sector);
    for (uint32_t at = sector * bytes; at < end && status == XN_OK; at += XN_FLASH_PIECE) {
        status = xn_port_flash_read(old + at, piece, sizeof(piece));
        bool skipped = at >= skip && at - skip < n;
        if (status == XN_OK && !skipped && !xn_flash_is_blank(piece, sizeof(piece))) {
            status = put(at, piece, sizeof(piece), &failed);
        }
    }
    return status;
}

// A sector is bad: the upload goes on elsewhere, with what it has so far.
static int relocate(uint32_t failed, uint32_t skip, uint32_t n) {
    xn_log_record record;
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    uint32_t old = upload.object.offset;
    uint32_t count = xn_extent_bytes(upload.object.size) / sector;
    memset(&record, 0, sizeof(record));
    record.kind = XN_LOG_BAD;
    record.offset = old + failed * sector;
    int status = xn_table_commit(&record);
    if (status == XN_OK) {
        status = take_place();
    }
    for (uint32_t i = 0; i < count && status == XN_OK; i++) {
        bool session = is_erased(i);
        upload.erased[i >> 3] &= (uint8_t)~(1u << (i & 7u));
        if (session || (upload.resumed && i != failed)) {
            status = bring(old, i, skip, n);
        }
        if (!session) {
            upload.erased[i >> 3] &= (uint8_t)~(1u << (i & 7u));
        }
    }
    return status;
}

static int check_piece(uint32_t offset, uint32_t n) {
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
    return XN_OK;
}

int xn_store_write(uint32_t offset, const uint8_t *bytes, uint32_t n) {
    uint32_t failed;
    int status = check_piece(offset, n);
    if (status != XN_OK || upload.have) {
        return status; // verify will tell whether the bytes that are there are right
    }
    upload.stage = WRITING;
    status = put(offset, bytes, n, &failed);
    if (status == XN_E_FLASH) {
        status = relocate(failed, offset, n);
        if (status == XN_OK) {
            status = put(offset, bytes, n, &failed);
        }
        if (status != XN_OK) {
            upload.stage = IDLE; // what lies where is not certain: begin again
        }
    }
    return status;
}

bool xn_store_within(uint32_t offset, uint32_t n) {
    const xn_table *t = &xn_table_now;
    return t->mounted && offset >= t->data_start && offset <= t->data_end &&
           n <= t->data_end - offset;
}

// The old bytes of a patch, or those that are copied.
static int read_old(uint32_t from, uint8_t *piece, uint32_t n) {
    if (from == XN_STORE_ZEROS) {
        memset(piece, 0, n);
        return XN_OK;
    }
    return xn_port_flash_read(from, piece, n);
}

int xn_store_copy(uint32_t offset, uint32_t from, uint32_t n, xn_patch *patch) {
    uint8_t piece[XN_FLASH_PIECE];
    bool zeros = patch != NULL && from == XN_STORE_ZEROS;
    int status = check_piece(offset, n);
    if (status == XN_OK && !zeros && !xn_store_within(from, n)) {
        status = xn_error_limit(XN_E_RANGE, "from", from, xn_table_now.data_end);
    }
    for (uint32_t at = 0; at < n && status == XN_OK; at += sizeof(piece)) {
        uint32_t part = n - at < sizeof(piece) ? n - at : (uint32_t)sizeof(piece);
        status = read_old(zeros ? from : from + at, piece, part);
        if (status == XN_OK && patch != NULL) {
            status = xn_patch_next(patch, piece, part);
        }
        if (status == XN_OK) {
            status = xn_store_write(offset + at, piece, part);
        }
    }
    return status;
}

// ---- Verifying, committing --------------------------------------------------------------------

static int version_of_upload(void) {
    xn_log_record current;
    int index = xn_table_find(upload.object.name, &current);
    if (index >= 0 && current.offset == upload.object.offset &&
        current.type == upload.object.type) {
        upload.object.version = current.version;
        return XN_OK;
    }
    int last = xn_table_last_version(upload.object.name);
    upload.object.version = (uint32_t)last + 1u;
    return last < 0 ? last : XN_OK;
}

int xn_store_verify(xn_store_object *object) {
    uint8_t digest[32];
    if (upload.stage == IDLE) {
        return XN_E_SESSION;
    }
    const uint8_t *at = xn_port_flash_map(upload.object.offset);
    xn_port_sync_code(at, upload.object.size);
    xn_sha256_of(at, upload.object.size, digest);
    if (memcmp(digest, upload.object.sha256, sizeof(digest)) != 0) {
        damaged = upload.have ? upload.object.offset : damaged;
        return xn_error_at(XN_E_HASH, "bytes hashed", upload.object.size);
    }
    int status = version_of_upload();
    if (status == XN_OK) {
        upload.stage = VERIFIED;
        *object = upload.object;
    }
    return status;
}

// What a trial that begins now returns to: what was active before, or what a trial that is on
// would return to.
static int previous_active(uint32_t *sequence) {
    const xn_table *t = &xn_table_now;
    xn_log_record record;
    *sequence = t->trial.previous;
    if (t->trial.on) {
        return XN_OK;
    }
    int index = t->active[0] == 0 ? XN_E_NOT_FOUND : xn_table_find(t->active, &record);
    *sequence = index >= 0 ? t->entries[index].sequence : 0;
    return index < 0 && index != XN_E_NOT_FOUND ? index : XN_OK;
}

static int fill_trial(xn_log_record *record, uint32_t confirm_s, uint32_t boots) {
    record->confirm_s = confirm_s;
    record->boots = boots;
    return confirm_s == 0 ? XN_OK : previous_active(&record->previous);
}

int xn_store_commit(bool activate, uint32_t confirm_s, uint32_t boots) {
    xn_log_record record;
    if (upload.stage != VERIFIED) {
        return XN_E_SESSION;
    }
    upload.stage = IDLE;
    int index = xn_table_find(upload.object.name, &record);
    if (index >= 0 && record.version == upload.object.version) { // it is current already
        return activate ? xn_store_activate(upload.object.name, confirm_s, boots) : XN_OK;
    }
    bool activates = activate || strcmp(upload.object.name, xn_table_now.active) == 0;
    fill_extent(&record, XN_LOG_OBJECT);
    record.flags = activates ? XN_LOG_ACTIVATES : 0;
    int status = fill_trial(&record, activates ? confirm_s : 0, boots);
    if (status == XN_OK) {
        status = xn_table_commit(&record);
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

// Begins a record about the current version of a name.
static int name_record(enum xn_log_kind kind, const char *name, xn_log_record *record) {
    xn_log_record current;
    int index = xn_table_find(name, &current);
    if (index < 0) {
        return index;
    }
    memset(record, 0, sizeof(*record));
    record->kind = (uint8_t)kind;
    record->version = current.version;
    memcpy(record->name, current.name, sizeof(record->name));
    return XN_OK;
}

int xn_store_remove(const char *name) {
    xn_log_record record;
    int status = name_record(XN_LOG_REMOVE, name, &record);
    record.version = 0;
    return status != XN_OK ? status : xn_table_commit(&record);
}

int xn_store_activate(const char *name, uint32_t confirm_s, uint32_t boots) {
    xn_log_record record;
    if (strcmp(name, xn_store_active()) == 0) {
        return XN_OK;
    }
    int status = name_record(XN_LOG_ACTIVE, name, &record);
    if (status == XN_OK) {
        status = fill_trial(&record, confirm_s, boots);
    }
    return status != XN_OK ? status : xn_table_commit(&record);
}

int xn_store_format(void) {
    xn_table *t = &xn_table_now;
    upload.stage = IDLE;
    if (!t->mounted) {
        int status = xn_log_erase();
        return status != XN_OK ? status : xn_store_mount();
    }
    t->count = 0; // the erase counts stay
    t->active[0] = 0;
    t->trial.on = false;
    t->begun = t->testing = 0;
    int status = xn_table_compact();
    return status != XN_OK ? status : xn_store_mount();
}

// ---- Trials -----------------------------------------------------------------------------------

const xn_store_trial *xn_store_on_trial(void) {
    return xn_table_now.mounted && xn_table_now.trial.on ? &xn_table_now.trial : NULL;
}

static bool is_on_trial(const char *name) {
    return xn_store_on_trial() != NULL && strcmp(name, xn_table_now.active) == 0;
}

int xn_store_confirm(const char *name) {
    xn_log_record record;
    if (!is_on_trial(name)) {
        return XN_E_VERSION;
    }
    int status = name_record(XN_LOG_CONFIRM, name, &record);
    return status != XN_OK ? status : xn_table_commit(&record);
}

int xn_store_count_start(void) {
    xn_log_record record;
    memset(&record, 0, sizeof(record));
    record.kind = XN_LOG_START;
    return xn_table_commit(&record);
}

int xn_store_return(enum xn_store_reason reason, int32_t detail) {
    const xn_store_trial *trial = xn_store_on_trial();
    xn_log_record record;
    if (trial == NULL) {
        return XN_E_VERSION;
    }
    int status = name_record(XN_LOG_RETURN, xn_table_now.active, &record);
    record.flags = XN_LOG_SWITCHES | (trial->withdraws ? XN_LOG_WITHDRAWS : 0);
    record.previous = trial->previous;
    record.reason = (uint16_t)reason;
    record.detail = detail;
    return status != XN_OK ? status : xn_table_commit(&record);
}

int xn_store_rollback(const char *name) {
    xn_log_record record;
    xn_log_record earlier;
    if (is_on_trial(name)) {
        return xn_store_return(XN_STORE_HOST, 0);
    }
    int status = name_record(XN_LOG_RETURN, name, &record);
    if (status != XN_OK) {
        return status;
    }
    int index = xn_table_find_in(name, XN_STORE_EARLIER, 0, &earlier);
    if (index < 0) {
        return index == XN_E_NOT_FOUND ? XN_E_VERSION : index;
    }
    record.flags = XN_LOG_WITHDRAWS;
    record.previous = xn_table_now.entries[index].sequence;
    record.reason = XN_STORE_HOST;
    return xn_table_commit(&record);
}

int xn_store_note(enum xn_store_event event, const xn_store_object *object,
                  enum xn_store_reason reason, int32_t detail) {
    xn_log_record record;
    fill_record(&record, XN_LOG_EVENT, object);
    record.flags = XN_LOG_SKIPPABLE;
    record.type = XN_LOG_EVENT;
    record.state = (uint16_t)event;
    record.reason = (uint16_t)reason;
    record.detail = detail;
    return xn_table_commit(&record);
}

int xn_store_tested(xn_store_object *object) {
    xn_log_record record;
    if (!xn_table_now.mounted || xn_table_now.testing == 0) {
        return 0;
    }
    int status = xn_log_read(xn_table_now.testing, &record);
    if (status != XN_OK) {
        return status;
    }
    to_object(&record, object);
    return 1;
}

// ---- Everything that lies in flash ------------------------------------------------------------

int xn_store_held(uint32_t *cursor, xn_store_object *object, enum xn_store_state *state) {
    const xn_table *t = &xn_table_now;
    xn_log_record record;
    if (!t->mounted) {
        return XN_E_STORE;
    }
    uint32_t index = (*cursor)++;
    if (index > t->count || (index == t->count && t->begun == 0)) {
        return 0;
    }
    bool begun = index == t->count;
    int status = xn_log_read(begun ? t->begun : t->entries[index].slot, &record);
    *state = begun ? XN_STORE_UNFINISHED : (enum xn_store_state)t->entries[index].state;
    to_object(&record, object);
    return status != XN_OK ? status : 1;
}
