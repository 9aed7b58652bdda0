#include "store/xn_upload.h"

#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "base/xn_sha256.h"
#include "store/xn_extent.h"
#include "store/xn_flash.h"
#include "store/xn_index.h"
#include "store/xn_store.h"
#include "store/xn_wear_level.h"
#include "store/xn_weights.h"

_Static_assert(XN_FLASH_PIECE == XN_PATCH_BLOCK, "a patch is applied piece by piece");

enum stage { IDLE, WRITING, VERIFIED };

// The new object.
static struct {
    enum stage stage;
    xn_store_object object;
    bool have;                                    // its extent is there already
    bool resumed;                                 // an earlier session wrote to its extent
    uint32_t epoch;                               // of the index that it belongs to
    uint32_t ticket;                              // of the last one that was begun
    uint8_t erased[(XN_STORE_SECTORS + 7u) / 8u]; // bit per sector of the extent: may be programmed
#if XN_LOCKABLE
    bool sealed;
    xn_seal seal;
#endif
} upload;

static uint32_t damaged; // extent whose bytes were found to be wrong: not to be shared; 0: none

// ---- Its seal ---------------------------------------------------------------------------------

#if XN_LOCKABLE

static uint32_t seal_bytes(void) {
    return upload.sealed ? XN_LOG_SEAL : 0;
}

static uint32_t seal_flag(void) {
    return upload.sealed ? XN_LOG_SEALED : 0;
}

static uint32_t counter_of_seal(void) {
    return upload.sealed ? upload.seal.counter : 0;
}

// Whether an extent ends with the seal that was given.
static bool has_seal(uint32_t offset, uint32_t bytes) {
    xn_seal seen;
    return !upload.sealed ||
           (xn_port_flash_read(offset + bytes - XN_LOG_SEAL, &seen, sizeof(seen)) == XN_OK &&
            memcmp(&seen, &upload.seal, sizeof(seen)) == 0);
}

static int place_seal(uint32_t sector) {
    uint32_t end = (sector + 1u) * xn_port_flash_geometry()->sector_bytes;
    return upload.sealed && end == xn_extent_bytes(upload.object.size + XN_LOG_SEAL)
               ? xn_flash_place(upload.object.offset + end - XN_LOG_SEAL,
                                (const uint8_t *)&upload.seal, XN_LOG_SEAL)
               : XN_OK;
}

// Weights that a sealed blob names, under a name that takes nothing else's place.
static bool is_vouched_for(const xn_store_object *want) {
    xn_log_record record;
    xn_store_object blob;
    int index = xn_index_find(want->name, &record);
    return want->type == XN_STORE_WEIGHTS && xn_weights_is_name(want->name) &&
           (index < 0 || record.type == XN_STORE_WEIGHTS) &&
           xn_weights_needed(want, XN_WEIGHTS_BY_SEALED, &blob) == 1;
}

static int check_seal(const xn_store_object *want) {
    const xn_policy *policy = xn_policy_now();
    if (!upload.sealed) {
        return xn_policy_locked() && !is_vouched_for(want)
                   ? xn_error_rule(XN_E_SEAL, want->name, "no seal, size", want->size, 0)
                   : XN_OK;
    }
    const xn_seal_subject subject = {
        .type = want->type,
        .name = want->name,
        .size = want->size,
        .sha256 = want->sha256,
        .floor = xn_store_floor_now(),
    };
    return policy->state == XN_POLICY_OPEN ? XN_OK : xn_seal_check(&upload.seal, &subject);
}

#else

static uint32_t seal_bytes(void) {
    return 0;
}

static uint32_t seal_flag(void) {
    return 0;
}

static uint32_t counter_of_seal(void) {
    return 0;
}

static bool has_seal(uint32_t offset, uint32_t bytes) {
    (void)offset;
    (void)bytes;
    return true;
}

static int place_seal(uint32_t sector) {
    (void)sector;
    return XN_OK;
}

static int check_seal(const xn_store_object *want) {
    (void)want;
    return XN_OK;
}

#endif

// ---- A new object -----------------------------------------------------------------------------

static uint32_t extent_bytes(void) {
    return xn_extent_bytes(upload.object.size + seal_bytes());
}

static int check_wanted(const xn_store_object *want) {
    uint32_t room = xn_index_now.data_end - xn_index_now.data_start - seal_bytes();
    uint32_t sectors = xn_extent_bytes((want->size < room ? want->size : room) + seal_bytes()) /
                       xn_port_flash_geometry()->sector_bytes;
    xn_log_record bundle;
    bool is_plain = want->type >= XN_STORE_BLOB && want->type <= XN_STORE_WEIGHTS;
    if (!is_plain && want->type != XN_STORE_BUNDLE) {
        return xn_error_limit(XN_E_TYPE, "type", want->type, XN_STORE_BUNDLE);
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
    if (xn_index_find_bundle(want->name, &bundle) != NULL) {
        return xn_error_named(XN_E_NAME, bundle.name, bundle.version);
    }
    return xn_index_check_name(want->name);
}

// Whether an extent holds, or shall hold, these bytes, and a seal if there is to be one.
static bool holds(const xn_log_record *record, const xn_store_object *want) {
    return (record->flags & XN_LOG_SEALED) == seal_flag() && record->size == want->size &&
           memcmp(record->sha256, want->sha256, sizeof(want->sha256)) == 0;
}

// Whether any version of any name has these bytes: 1, 0, or an error. *offset: its extent.
static int find_bytes(const xn_store_object *want, uint32_t *offset) {
    xn_log_record record;
    for (uint32_t i = xn_index_now.count; i-- > 0;) {
        int status = xn_index_read(i, &record);
        if (status != XN_OK) {
            return status;
        }
        if (xn_index_now.entries[i].health != XN_STORE_DAMAGED && record.offset != damaged &&
            holds(&record, want) && has_seal(record.offset, record.extent_bytes)) {
            *offset = record.offset;
            return 1;
        }
    }
    return 0;
}

// Makes sure that a commit will find a free entry.
static int reserve_entry(const xn_store_object *want) {
    xn_log_record record;
    while (xn_index_now.count >= xn_index_now.capacity) {
        int evicted = xn_index_evict();
        if (evicted < 0) {
            return evicted;
        }
        if (evicted == 0) {
            // A new version of a name takes the place of the old one.
            return xn_index_find(want->name, &record) >= 0
                       ? XN_OK
                       : xn_error_limit(XN_E_NO_SPACE, "objects", xn_index_now.count,
                                        xn_index_now.capacity);
        }
    }
    return XN_OK;
}

// Whether the unfinished upload is that of these bytes: 1, 0, or an error.
static int was_begun(const xn_store_object *want, uint32_t *offset) {
    xn_log_record record;
    if (xn_index_now.begun == 0) {
        return 0;
    }
    int status = xn_log_read(xn_index_now.begun, &record);
    if (status != XN_OK) {
        return status;
    }
    *offset = record.offset;
    return holds(&record, want);
}

static void fill_extent(xn_log_record *record, enum xn_log_kind kind) {
    xn_log_fill(record, kind, &upload.object);
    record->offset = upload.object.offset;
    record->extent_bytes = extent_bytes();
    record->flags |= (uint8_t)seal_flag();
}

// Reserves an extent for the upload, by a record.
static int take_place(void) {
    xn_log_record record;
    int status = xn_extent_take(extent_bytes(), false, &upload.object.offset);
    if (status != XN_OK) {
        return status;
    }
    fill_extent(&record, XN_LOG_BEGIN);
    return xn_index_commit(&record);
}

static int begin_again(void) {
    xn_index_now.begun = 0; // gives up another upload
    xn_wear_level();
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
    return found == 0 ? begin_again() : found < 0 ? found : XN_OK;
}

// An upload ends when the store is mounted or emptied.
static bool is_idle(void) {
    return upload.stage == IDLE || upload.epoch != xn_index_now.epoch;
}

static int begin(xn_store_object *want, bool *have, bool *resumed) {
    upload.stage = IDLE;
    if (upload.epoch != xn_index_now.epoch) {
        upload.epoch = xn_index_now.epoch;
        damaged = 0;
    }
    int status = xn_index_now.mounted ? check_wanted(want) : xn_index_status();
    if (status == XN_OK) {
        status = check_seal(want);
    }
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
    upload.ticket++;
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
    status = place_seal(sector);
    if (status != XN_OK) {
        return status;
    }
    upload.erased[sector >> 3] |= (uint8_t)(1u << (sector & 7u));
    return XN_OK;
}

// Writes a piece, sector by sector. *failed: the sector that did not take it.
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
    bool ends =
        seal_bytes() != 0 && upload.object.size < end; // behind it is the seal, there already
    end = ends ? upload.object.size : end;
    int status = prepare(sector);
    for (uint32_t at = sector * bytes; at < end && status == XN_OK; at += XN_FLASH_PIECE) {
        uint32_t part = ends && end - at < sizeof(piece) ? end - at : (uint32_t)sizeof(piece);
        status = xn_port_flash_read(old + at, piece, part);
        bool skipped = at >= skip && at - skip < n;
        if (status == XN_OK && !skipped && !xn_flash_is_blank(piece, part)) {
            status = put(at, piece, part, &failed);
        }
    }
    return status;
}

// A sector is bad: the upload goes on elsewhere, with what it has so far.
static int relocate(uint32_t failed, uint32_t skip, uint32_t n) {
    xn_log_record record;
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    uint32_t old = upload.object.offset;
    uint32_t count = extent_bytes() / sector;
    memset(&record, 0, sizeof(record));
    record.kind = XN_LOG_BAD;
    record.offset = old + failed * sector;
    int status = xn_index_commit(&record);
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
    if (is_idle()) {
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

int xn_upload_write(uint32_t offset, const uint8_t *bytes, uint32_t n) {
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
            upload.stage = IDLE; // it is not certain what is where: begin again
        }
    }
    return status;
}

// The old bytes of a patch, or those that are copied.
static int read_old(uint32_t from, uint8_t *piece, uint32_t n) {
    if (from == XN_UPLOAD_ZEROS) {
        memset(piece, 0, n);
        return XN_OK;
    }
    return xn_port_flash_read(from, piece, n);
}

int xn_upload_copy(uint32_t offset, uint32_t from, uint32_t n, xn_patch *patch) {
    uint8_t piece[XN_FLASH_PIECE];
    bool zeros = patch != NULL && from == XN_UPLOAD_ZEROS;
    int status = check_piece(offset, n);
    if (status == XN_OK && !zeros && !xn_store_within(from, n)) {
        status = xn_error_limit(XN_E_RANGE, "from", from, xn_index_now.data_end);
    }
    for (uint32_t at = 0; at < n && status == XN_OK; at += sizeof(piece)) {
        uint32_t part = n - at < sizeof(piece) ? n - at : (uint32_t)sizeof(piece);
        status = read_old(zeros ? from : from + at, piece, part);
        if (status == XN_OK && patch != NULL) {
            status = xn_patch_next(patch, piece, part);
        }
        if (status == XN_OK) {
            status = xn_upload_write(offset + at, piece, part);
        }
    }
    return status;
}

// ---- Beginning --------------------------------------------------------------------------------

#if XN_LOCKABLE

// The seal is there before the first piece: none may come for the sector that holds it.
static int begin_seal(xn_store_object *want) {
    uint32_t last = extent_bytes() / xn_port_flash_geometry()->sector_bytes - 1u;
    if (upload.have || !upload.sealed ||
        (upload.resumed && has_seal(upload.object.offset, extent_bytes()))) {
        return XN_OK;
    }
    int status = prepare(last);
    if (status == XN_E_FLASH) {
        status = relocate(last, 0, 0);
        status = status == XN_OK ? prepare(last) : status;
        want->offset = upload.object.offset;
    }
    upload.stage = status == XN_OK ? WRITING : IDLE;
    return status;
}

int xn_upload_begin_sealed(xn_store_object *want, const xn_seal *seal, bool *have, bool *resumed) {
    upload.sealed = seal != NULL;
    if (seal != NULL) {
        upload.seal = *seal;
    }
    int status = begin(want, have, resumed);
    return status == XN_OK ? begin_seal(want) : status;
}

int xn_upload_begin(xn_store_object *want, bool *have, bool *resumed) {
    return xn_upload_begin_sealed(want, NULL, have, resumed);
}

bool xn_upload_has_written(uint32_t offset, uint32_t n) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    uint32_t at = offset - upload.object.offset;
    bool within = !is_idle() && !upload.have && offset >= upload.object.offset &&
                  at <= extent_bytes() && n <= extent_bytes() - at;
    for (uint32_t i = at / sector; within && !upload.resumed && i * sector < at + n; i++) {
        within = is_erased(i);
    }
    return within;
}

#else

int xn_upload_begin(xn_store_object *want, bool *have, bool *resumed) {
    return begin(want, have, resumed);
}

#endif

// ---- Verifying, committing --------------------------------------------------------------------

static int version_of_upload(void) {
    xn_log_record current;
    int index = xn_index_find(upload.object.name, &current);
    if (index >= 0 && current.offset == upload.object.offset &&
        current.type == upload.object.type) {
        upload.object.version = current.version;
        return XN_OK;
    }
    int last = xn_index_last_version(upload.object.name);
    upload.object.version = (uint32_t)last + 1u;
    return last < 0 ? last : XN_OK;
}

int xn_upload_verify(xn_store_object *object) {
    uint8_t digest[32];
    if (is_idle()) {
        return XN_E_SESSION;
    }
    const uint8_t *at = xn_port_flash_map(upload.object.offset);
    xn_port_sync_code(at, upload.object.size);
    xn_sha256_of(at, upload.object.size, digest, xn_busy_pause);
    if (memcmp(digest, upload.object.sha256, sizeof(digest)) != 0) {
        damaged = upload.have ? upload.object.offset : damaged;
        return xn_error_at(XN_E_HASH, "bytes hashed", upload.object.size);
    }
    if (!has_seal(upload.object.offset, extent_bytes())) {
        return xn_error_at(XN_E_SEAL, "bytes in flash that differ, of", XN_LOG_SEAL);
    }
    int status = version_of_upload();
    if (status == XN_OK) {
        upload.stage = VERIFIED;
#if XN_LOCKABLE
        upload.object.seal =
            upload.sealed ? upload.object.offset + extent_bytes() - XN_LOG_SEAL : 0;
        upload.object.counter = counter_of_seal();
#endif
        *object = upload.object;
    }
    return status;
}

int xn_upload_commit(bool activate, uint32_t confirm_s, uint32_t boots) {
    xn_log_record record;
    if (is_idle() || upload.stage != VERIFIED) {
        return XN_E_SESSION;
    }
    upload.stage = IDLE;
    int index = xn_index_find(upload.object.name, &record);
    if (index >= 0 && record.version == upload.object.version) { // it is current already
        return activate ? xn_store_activate(upload.object.name, confirm_s, boots) : XN_OK;
    }
    bool activates = activate || strcmp(upload.object.name, xn_index_now.active) == 0;
    fill_extent(&record, XN_LOG_OBJECT);
    record.flags |= activates ? XN_LOG_ACTIVATES : 0;
    record.counter = counter_of_seal();
    int status = xn_index_begin_trial(&record, activates ? confirm_s : 0, boots);
    if (status == XN_OK) {
        status = xn_index_commit(&record);
    }
    if (status == XN_OK) {
        xn_index_now.entries[xn_index_now.count - 1u].health = XN_STORE_WHOLE; // verify has read it
    }
    if (status == XN_OK && xn_index_now.count > xn_index_now.capacity) {
        int evicted = xn_index_evict();
        status = evicted < 0 ? evicted : XN_OK;
    }
    return status;
}

void xn_upload_abort(void) {
    upload.stage = IDLE;
}

uint32_t xn_upload_ticket(void) {
    return is_idle() ? 0 : upload.ticket;
}
