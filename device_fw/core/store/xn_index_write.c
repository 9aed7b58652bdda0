// Changes of the index: each is a record in the log, applied once it is written.
#include <string.h>

#include "base/xn_status.h"
#include "store/xn_index.h"
#include "store/xn_weights.h"

int xn_index_commit(xn_log_record *record) {
    uint32_t slot;
    if (!xn_index_now.mounted) {
        return xn_index_status();
    }
    int status = xn_log_full() ? XN_E_FLASH : xn_log_append(record, &slot);
    if (status == XN_E_FLASH && xn_log_full()) {
        status = xn_index_compact(false);
        if (status == XN_OK) {
            status = xn_log_append(record, &slot);
        }
    }
    return status != XN_OK ? status : xn_index_apply(record, slot);
}

static int forget(uint32_t index) {
    xn_log_record old;
    xn_log_record remove;
    int status = xn_index_read(index, &old);
    if (status != XN_OK) {
        return status;
    }
    memset(&remove, 0, sizeof(remove));
    remove.kind = XN_LOG_REMOVE;
    remove.version = old.version;
    memcpy(remove.name, old.name, sizeof(remove.name));
    return xn_index_commit(&remove);
}

// What a trial returns to stays, and weights that a blob names. 1, 0, or an error.
static int may_go(uint32_t index, uint32_t state) {
    const xn_index_entry *e = &xn_index_now.entries[index];
    const xn_store_trial *trial = &xn_index_now.trial;
    xn_store_object blob;
    if (e->state != state || (trial->on && trial->previous == e->sequence)) {
        return 0;
    }
    int needed = xn_weights_entry_needed(index, XN_WEIGHTS_BY_ANY, &blob);
    return needed < 0 ? needed : !needed;
}

int xn_index_evict(void) {
    for (uint32_t state = XN_STORE_WITHDRAWN; state >= XN_STORE_EARLIER; state--) {
        for (uint32_t i = 0; i < xn_index_now.count; i++) {
            int goes = may_go(i, state);
            int status = goes == 1 ? forget(i) : goes;
            if (goes != 0) {
                return status == XN_OK ? 1 : status;
            }
        }
    }
    return 0;
}

// ---- Trials -----------------------------------------------------------------------------------

static int previous_active(uint32_t *sequence) {
    const xn_index *t = &xn_index_now;
    xn_log_record record;
    *sequence = t->trial.previous;
    if (t->trial.on) {
        return XN_OK;
    }
    int index = t->active[0] == 0 ? XN_E_NOT_FOUND : xn_index_find(t->active, &record);
    *sequence = index >= 0 ? t->entries[index].sequence : 0;
    return index < 0 && index != XN_E_NOT_FOUND ? index : XN_OK;
}

int xn_index_begin_trial(xn_log_record *record, uint32_t confirm_s, uint32_t boots) {
    record->confirm_s = confirm_s;
    record->boots = boots;
    return confirm_s == 0 ? XN_OK : previous_active(&record->previous);
}
