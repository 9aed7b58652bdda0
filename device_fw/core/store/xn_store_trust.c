// What the store keeps of trust, and what it tells of seals.
#if XN_LOCKABLE

#include <string.h>

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "store/xn_index.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"
#include "trust/xn_seal.h"

int xn_store_keep_policy(const xn_policy *policy) {
    return xn_index_commit_policy(policy);
}

int xn_store_keep_device(const xn_device_key *key) {
    return xn_index_commit_device(key);
}

int xn_store_note_unlock(uint32_t key_id) {
    xn_log_record record;
    memset(&record, 0, sizeof(record));
    record.kind = XN_LOG_UNLOCK;
    record.flags = XN_LOG_SKIPPABLE;
    record.counter = key_id;
    return xn_index_commit(&record);
}

uint32_t xn_store_floor(void) {
    uint32_t kept = xn_port_floor();
    return kept > xn_index_now.counter_floor ? kept : xn_index_now.counter_floor;
}

uint32_t xn_store_next_sequence(void) {
    return xn_log_next_sequence();
}

// ---- Seals --------------------------------------------------------------------------------------

static bool is_counted(void) {
    return xn_policy_locked() && xn_policy_now()->state == XN_POLICY_COUNTED;
}

static int say_none(const xn_store_object *object) {
    return xn_error_rule(XN_E_SEAL, object->name, "no seal, version", object->version, 0);
}

uint32_t xn_store_floor_now(void) {
    return is_counted() ? xn_store_floor() : 0;
}

int xn_store_is_taken(const xn_store_object *object) {
    uint32_t floor = xn_store_floor_now();
    if (xn_policy_locked() && object->seal == 0) {
        return say_none(object);
    }
    return object->counter < floor
               ? xn_error_rule(XN_E_COUNTER, object->name, "counter", object->counter, floor)
               : XN_OK;
}

static int check_seal(const xn_store_object *object, uint32_t floor) {
    xn_seal seal;
    const xn_seal_subject subject = {
        .type = object->type,
        .name = object->name,
        .size = object->size,
        .sha256 = object->sha256,
        .floor = floor,
    };
    int status = xn_port_flash_read(object->seal, &seal, sizeof(seal));
    if (status == XN_OK) {
        status = xn_seal_check(&seal, &subject);
    }
    return status != XN_OK || seal.counter == object->counter
               ? status
               : xn_error_rule(XN_E_SEAL, object->name, "counter is not the log's:", seal.counter,
                               object->counter);
}

int xn_store_seal_holds(const xn_store_object *object) {
    bool counts = xn_policy_now()->state == XN_POLICY_COUNTED;
    return object->seal == 0 ? say_none(object) : check_seal(object, counts ? xn_store_floor() : 0);
}

int xn_store_check_seal(const xn_store_object *object) {
    return object->seal == 0 || xn_policy_now()->state == XN_POLICY_OPEN
               ? XN_OK
               : check_seal(object, 0); // xn_store_is_taken() knows the floor
}

// ---- The floor ----------------------------------------------------------------------------------

// Objects that the board would not take any more; those that it does not take now do not count, nor
// weights: the blobs that name them say whether they are used.
static int check_others(const xn_store_object *object) {
    xn_store_object other;
    uint32_t cursor = 0;
    int more;
    while ((more = xn_store_next(&cursor, &other)) == 1) {
        if (strcmp(other.name, object->name) != 0 && other.counter < object->counter &&
            other.type != XN_STORE_WEIGHTS && xn_store_is_taken(&other) == XN_OK) {
            return xn_error_rule(XN_E_COUNTER, other.name, "counter", other.counter,
                                 object->counter);
        }
    }
    return more;
}

int xn_store_raise_floor(const char *name) {
    xn_store_object object;
    xn_log_record record;
    if (!is_counted()) {
        return 0;
    }
    const xn_store_trial *trial = xn_store_on_trial();
    if (trial != NULL && strcmp(name, xn_store_active()) != 0) {
        return xn_error_rule(XN_E_BUSY, xn_store_active(), "on trial, version", trial->version, 0);
    }
    int status = xn_store_find_whole(name, &object);
    if (status != XN_OK || object.counter == xn_store_floor()) {
        return status == XN_OK ? 1 : status;
    }
    status = check_others(&object);
    if (status == XN_OK) {
        status = xn_port_raise_floor(object.counter);
    }
    if (status == XN_OK) {
        memset(&record, 0, sizeof(record));
        record.kind = XN_LOG_COUNTER;
        record.counter = object.counter;
        status = xn_index_commit(&record);
    }
    return status == XN_OK ? 1 : status;
}

int xn_store_may_activate(const char *name) {
    xn_store_object object;
    int status = xn_store_find(name, &object);
    return status == XN_OK ? xn_store_is_taken(&object) : status;
}

// Its seal is looked at, too: its key may have been revoked since. Damage prevents no return.
static int check_return(const xn_store_object *object) {
    int status = xn_policy_now()->state == XN_POLICY_OPEN ? XN_OK : xn_store_check(object);
    return status == XN_E_DAMAGED ? XN_OK : status;
}

int xn_store_may_return(uint32_t sequence) {
    xn_log_record record;
    xn_store_object object;
    for (uint32_t i = 0; sequence != 0 && i < xn_index_now.count; i++) {
        if (xn_index_now.entries[i].sequence == sequence) {
            int status = xn_index_read(i, &record);
            xn_index_describe(&record, &object);
            return status != XN_OK ? status : check_return(&object);
        }
    }
    return XN_OK;
}

// ---- Flash --------------------------------------------------------------------------------------

int xn_store_read_raw(uint32_t offset, uint8_t *to, uint32_t n) {
    return xn_log_read_raw(offset, to, n, xn_index_now.mounted);
}

bool xn_store_within_live(uint32_t offset, uint32_t n) {
    const xn_index *t = &xn_index_now;
    for (uint32_t i = 0; t->mounted && i < t->count; i++) {
        uint32_t at = xn_index_offset(&t->entries[i]);
        uint32_t bytes = xn_index_bytes(&t->entries[i]);
        if (t->entries[i].state <= XN_STORE_EARLIER && offset >= at && offset - at <= bytes &&
            n <= bytes - (offset - at)) {
            return true;
        }
    }
    return xn_upload_has_written(offset, n);
}

#endif
