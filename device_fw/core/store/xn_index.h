// The store's table: which OBJECT records of the log still count. Inner part of xn_store.
#ifndef XN_INDEX_H
#define XN_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "store/xn_log.h"

// What is kept of each record in RAM; the rest is read from flash when asked for.
typedef struct xn_index_entry {
    uint32_t name_crc;
    uint32_t offset; // of the extent
    uint32_t extent_bytes;
    uint32_t sequence; // of the record
    uint16_t slot;     // of the record
    uint16_t new_slot; // while compacting
    uint8_t state;     // enum xn_store_state
} xn_index_entry;

typedef struct xn_index {
    bool mounted;   // else nothing below counts
    uint32_t epoch; // grows when what was learned from the index no longer holds
    xn_index_entry entries[XN_STORE_OBJECTS + 1]; // one more between a commit and its eviction
    uint32_t count;
    char active[XN_STORE_NAME_MAX + 1];
    xn_store_trial trial;
    uint16_t begun;     // slot of the unfinished upload's BEGIN record, 0: none
    uint16_t new_begun; // while compacting
    uint32_t begun_at;  // its extent
    uint32_t begun_bytes;
    uint16_t testing;     // slot of the EVENT record of a golden run that did not end, 0: none
    uint16_t new_testing; // while compacting
    uint32_t data_start, data_end; // extents are within
    uint32_t cursor;               // where the next one is looked for
    uint32_t format_sequence;      // records of a smaller one were copied by a compaction
} xn_index;

// Read by all parts of the store, changed by xn_index*.c; cursor also by xn_extent.c.
extern xn_index xn_index_now;

int xn_index_mount(void);
int xn_index_check_name(const char *name);
int xn_index_read(uint32_t index, xn_log_record *record);
uint32_t xn_index_name_crc(const char *name);
// Whether the entry has this name, whose CRC is given: 1, 0, or an error.
int xn_index_is_named(uint32_t index, const char *name, uint32_t name_crc, xn_log_record *record);
// The index of the name's current version, XN_E_NOT_FOUND or another error.
int xn_index_find(const char *name, xn_log_record *record);
// The same for its last version in a state; version 0: any.
int xn_index_find_in(const char *name, enum xn_store_state state, uint32_t version,
                     xn_log_record *record);
// The greatest version of the name, whatever its state; 0: none. Negative: an error.
int xn_index_last_version(const char *name);
// Notes in a record that activates an object how long its trial is (confirm_s 0: none) and what a
// failure returns to: the model active before, or the one that a running trial would return to.
int xn_index_begin_trial(xn_log_record *record, uint32_t confirm_s, uint32_t boots);
// Writes the record into the log, compacting first if it is full, and applies it.
int xn_index_commit(xn_log_record *record);
// Writes the log again, in the other area.
int xn_index_compact(void);
// Forgets the oldest version that is not current, by a record: 1 done, 0 there is none, or an
// error.
int xn_index_evict(void);
// Changes the index as a record of the log says.
int xn_index_apply(const xn_log_record *record, uint32_t slot);
// Whether the history lists a record.
bool xn_index_is_event(const xn_log_record *record);

#endif
