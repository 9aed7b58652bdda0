#include "store/xn_store.h"

#include <string.h>

#include "base/xn_port.h"
#include "base/xn_status.h"
#include "store/xn_bundle.h"
#include "store/xn_extent.h"
#include "store/xn_index.h"
#include "store/xn_weights.h"

int xn_store_mount(void) {
    return xn_index_mount();
}

int xn_store_status(void) {
    return xn_index_status();
}

uint32_t xn_store_lost(void) {
    return xn_log_now.lost;
}

// ---- Looking up -------------------------------------------------------------------------------

int xn_store_find(const char *name, xn_store_object *object) {
    xn_log_record record;
    const char *member = xn_index_find_bundle(name, &record);
    if (member != NULL) {
        xn_store_object bundle;
        xn_index_describe(&record, &bundle);
        int status = xn_store_check(&bundle);
        return status != XN_OK ? status : xn_bundle_member(&bundle, 0, member, object);
    }
    int index = xn_index_find(name, &record);
    if (index < 0) {
        return index;
    }
    xn_index_describe(&record, object);
    return XN_OK;
}

int xn_store_next(uint32_t *cursor, xn_store_object *object) {
    if (!xn_index_now.mounted) {
        return xn_index_status();
    }
    while (*cursor < xn_index_now.count) {
        uint32_t index = (*cursor)++;
        if (xn_index_now.entries[index].state == XN_STORE_CURRENT) {
            xn_log_record record;
            int status = xn_index_read(index, &record);
            if (status != XN_OK) {
                return status;
            }
            xn_index_describe(&record, object);
            return 1;
        }
    }
    return 0;
}

// The cursor counts objects in its lower half, members of the last one in its upper half.
#define MEMBER 0x10000u

int xn_store_next_member(uint32_t *cursor, xn_store_object *object) {
    xn_store_object bundle;
    uint32_t index = *cursor % MEMBER;
    uint32_t member = *cursor / MEMBER;
    uint32_t again = index - 1u;
    if (member > 0 && xn_store_next(&again, &bundle) == 1 &&
        xn_bundle_member(&bundle, member - 1u, NULL, object) == XN_OK) {
        *cursor += MEMBER;
        return 1;
    }
    int more = xn_store_next(&index, object);
    *cursor = index + (more == 1 && object->type == XN_STORE_BUNDLE ? MEMBER : 0);
    return more;
}

uint32_t xn_store_free_bytes(void) {
    return xn_index_now.mounted ? xn_extent_free() : 0;
}

const uint8_t *xn_store_map(const xn_store_object *object) {
    return xn_port_flash_map(object->offset);
}

const char *xn_store_active(void) {
    return xn_index_now.mounted ? xn_index_now.active : "";
}

// ---- Changes ----------------------------------------------------------------------------------

// Begins a record about the current version of a name.
static int name_record(enum xn_log_kind kind, const char *name, xn_log_record *record) {
    xn_log_record current;
    int index = xn_index_find(name, &current);
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
    if (status == XN_OK) {
        status = xn_weights_may_remove(name);
    }
    return status != XN_OK ? status : xn_index_commit(&record);
}

int xn_store_activate(const char *name, uint32_t confirm_s, uint32_t boots) {
    xn_log_record record;
    if (strcmp(name, xn_store_active()) == 0) {
        return XN_OK;
    }
    int status = name_record(XN_LOG_ACTIVE, name, &record);
    if (status == XN_OK) {
        status = xn_store_may_activate(name);
    }
    if (status == XN_OK) {
        status = xn_index_begin_trial(&record, confirm_s, boots);
    }
    return status != XN_OK ? status : xn_index_commit(&record);
}

int xn_store_format(void) {
    xn_index *t = &xn_index_now;
    t->epoch++;
    int status = XN_OK;
    if (t->mounted) { // erase counts, the counter's floor, policy and device key stay
        t->count = 0;
        t->active[0] = 0;
        t->trial.on = false;
        t->begun = t->testing = 0;
        xn_log_now.lost = 0;
        status = xn_index_compact(true);
    } else {
        status = xn_log_restart();
    }
    int mounted = xn_store_mount();
    return status != XN_OK ? status : mounted;
}

// ---- Trials -----------------------------------------------------------------------------------

const xn_store_trial *xn_store_on_trial(void) {
    return xn_index_now.mounted && xn_index_now.trial.on ? &xn_index_now.trial : NULL;
}

static bool is_on_trial(const char *name) {
    return xn_store_on_trial() != NULL && strcmp(name, xn_index_now.active) == 0;
}

int xn_store_confirm(const char *name) {
    xn_log_record record;
    bool ends_trial = is_on_trial(name);
    int raised = xn_store_raise_floor(name);
    if (raised < 0) {
        return raised;
    }
    if (!ends_trial) {
        return raised == 1 ? XN_OK : XN_E_VERSION;
    }
    int status = name_record(XN_LOG_CONFIRM, name, &record);
    return status != XN_OK ? status : xn_index_commit(&record);
}

int xn_store_count_start(void) {
    xn_log_record record;
    memset(&record, 0, sizeof(record));
    record.kind = XN_LOG_START;
    return xn_index_commit(&record);
}

int xn_store_return(enum xn_store_reason reason, int32_t detail) {
    const xn_store_trial *trial = xn_store_on_trial();
    xn_log_record record;
    if (trial == NULL) {
        return XN_E_VERSION;
    }
    bool returns = xn_store_may_return(trial->previous) == XN_OK;
    enum xn_log_kind kind = returns ? XN_LOG_RETURN : XN_LOG_CONFIRM;
    int status = name_record(kind, xn_index_now.active, &record);
    if (!returns) {
        return status != XN_OK ? status : xn_index_commit(&record);
    }
    record.flags = XN_LOG_SWITCHES | (trial->withdraws ? XN_LOG_WITHDRAWS : 0);
    record.previous = trial->previous;
    record.reason = (uint16_t)reason;
    record.detail = detail;
    return status != XN_OK ? status : xn_index_commit(&record);
}

int xn_store_rollback(const char *name) {
    xn_log_record record;
    xn_log_record earlier;
    if (is_on_trial(name)) {
        int may = xn_store_may_return(xn_index_now.trial.previous);
        return may != XN_OK ? may : xn_store_return(XN_STORE_HOST, 0);
    }
    int status = name_record(XN_LOG_RETURN, name, &record);
    if (status != XN_OK) {
        return status;
    }
    int index = xn_index_find_in(name, XN_STORE_EARLIER, 0, &earlier);
    if (index < 0) {
        return index == XN_E_NOT_FOUND ? XN_E_VERSION : index;
    }
    record.flags = XN_LOG_WITHDRAWS;
    record.previous = xn_index_now.entries[index].sequence;
    record.reason = XN_STORE_HOST;
    status = xn_store_may_return(record.previous);
    return status != XN_OK ? status : xn_index_commit(&record);
}

int xn_store_previous(const char *name, xn_store_object *object) {
    xn_log_record earlier;
    int index = xn_index_find_in(name, XN_STORE_EARLIER, 0, &earlier);
    if (index < 0) {
        return index;
    }
    xn_index_describe(&earlier, object);
    return 1;
}

int xn_store_note(enum xn_store_event event, const xn_store_object *object,
                  enum xn_store_reason reason, int32_t detail) {
    xn_log_record record;
    xn_log_fill(&record, XN_LOG_EVENT, object);
    record.flags = XN_LOG_SKIPPABLE;
    record.type = XN_LOG_EVENT;
    record.state = (uint16_t)event;
    record.reason = (uint16_t)reason;
    record.detail = detail;
    return xn_index_commit(&record);
}

int xn_store_tested(xn_store_object *object) {
    xn_log_record record;
    if (!xn_index_now.mounted || xn_index_now.testing == 0) {
        return 0;
    }
    int status = xn_log_read(xn_index_now.testing, &record);
    if (status != XN_OK) {
        return status;
    }
    xn_index_describe(&record, object);
    return 1;
}

// ---- Everything that lies in flash ------------------------------------------------------------

bool xn_store_within(uint32_t offset, uint32_t n) {
    const xn_index *t = &xn_index_now;
    return t->mounted && offset >= t->data_start && offset <= t->data_end &&
           n <= t->data_end - offset;
}

// Records that were lost, from slot `first` on.
static int next_lost(uint32_t first, uint32_t *cursor, xn_store_object *object,
                     enum xn_store_state *state) {
    xn_log_record record;
    for (uint32_t slot = first; slot < xn_log_end(); slot++, (*cursor)++) {
        if (xn_log_look(slot, &record) == 1 && record.kind == XN_LOG_EVENT &&
            record.type == XN_LOG_LOST) {
            *state = XN_STORE_LOST;
            xn_index_describe(&record, object);
            object->type = 0;
            return 1;
        }
    }
    return 0;
}

int xn_store_held(uint32_t *cursor, xn_store_object *object, enum xn_store_state *state) {
    const xn_index *t = &xn_index_now;
    xn_log_record record;
    if (!t->mounted) {
        return xn_index_status();
    }
    uint32_t index = (*cursor)++;
    if (index == t->count && t->begun == 0) {
        index = (*cursor)++;
    }
    if (index > t->count) {
        return next_lost(index - t->count, cursor, object, state);
    }
    bool begun = index == t->count;
    int status = xn_log_read(begun ? t->begun : t->entries[index].slot, &record);
    *state = begun ? XN_STORE_UNFINISHED : (enum xn_store_state)t->entries[index].state;
    xn_index_describe(&record, object);
    return status != XN_OK ? status : 1;
}
