// The store's table: which OBJECT records of the log still count. Inner part of xn_store.
#ifndef XN_TABLE_H
#define XN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/xn_log.h"

// What is kept of each record in RAM; the rest is read from flash when asked for.
typedef struct xn_table_entry {
    uint32_t name_crc;
    uint32_t offset; // of the extent
    uint32_t extent_bytes;
    uint32_t sequence; // of the record
    uint16_t slot;     // of the record
    uint16_t new_slot; // while compacting
    uint8_t state;     // enum xn_store_state
} xn_table_entry;

typedef struct xn_table {
    bool mounted;                                 // else nothing below counts
    xn_table_entry entries[XN_STORE_OBJECTS + 1]; // one more between a commit and its eviction
    uint32_t count;
    char active[XN_STORE_NAME_MAX + 1];
    xn_store_trial trial;
    uint16_t begun;     // slot of the unfinished upload's BEGIN record, 0: none
    uint16_t new_begun; // while compacting
    uint32_t begun_at;  // its extent
    uint32_t begun_bytes;
    uint16_t testing;     // slot of the EVENT record of a golden run that did not end, 0: none
    uint16_t new_testing; // while compacting
    uint32_t data_start, data_end; // extents lie within
    uint32_t cursor;               // where the next one is looked for
    uint32_t format_sequence;      // records of a smaller one were copied by a compaction
} xn_table;

// Read by all parts of the store, changed by xn_table.c; cursor also by xn_extent.c.
extern xn_table xn_table_now;

int xn_table_mount(void);
int xn_table_check_name(const char *name);
int xn_table_read(uint32_t index, xn_log_record *record);
// The index of the name's current version, XN_E_NOT_FOUND or another error.
int xn_table_find(const char *name, xn_log_record *record);
// The same of its last version in a state; version 0: any.
int xn_table_find_in(const char *name, enum xn_store_state state, uint32_t version,
                     xn_log_record *record);
// The greatest version of the name, whatever its state; 0: none. Negative: an error.
int xn_table_last_version(const char *name);
// Writes the record into the log, compacting first where it is full, and applies it.
int xn_table_commit(xn_log_record *record);
// Writes the log anew, in the other area.
int xn_table_compact(void);
// Forgets the oldest version that is not current, by a record: 1 done, 0 there is none, or an
// error.
int xn_table_evict(void);
// Whether a record is told by the history.
bool xn_table_is_event(const xn_log_record *record);

#endif
