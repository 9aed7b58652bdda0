// The store's table: which OBJECT records of the log still count. Inner part of xn_store.
#ifndef XN_INDEX_H
#define XN_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/xn_error.h"
#include "store/xn_log.h"
#if XN_LOCKABLE
#include "trust/xn_device.h"
#include "trust/xn_policy.h"
#endif

// What is kept of each record in RAM; the rest is read from flash when asked for.
typedef struct xn_index_entry {
    uint32_t name_crc;
    uint32_t sequence;      // of the record
    uint16_t first;         // sector of the extent, counted from the first of the extents
    uint16_t sectors;       // of the extent
    uint32_t slot : 14;     // of the record
    uint32_t new_slot : 14; // while compacting
    uint32_t state : 2;     // enum xn_store_state
    uint32_t health : 2;    // enum xn_store_health
} xn_index_entry;

_Static_assert(sizeof(xn_index_entry) == 16u, "RAM of an object");
_Static_assert(XN_STORE_SECTORS <= UINT16_MAX, "first, sectors");

typedef struct xn_index {
    bool mounted;      // else nothing below counts
    xn_error_note why; // it is not mounted
    uint32_t epoch;    // grows when what was learned from the index no longer holds
    xn_index_entry entries[XN_STORE_OBJECTS + 1]; // one more between a commit and its eviction
    uint32_t count;
    uint32_t capacity; // of entries, but for that one
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
    uint32_t counter_floor;        // objects of a smaller security counter are not taken
#if XN_LOCKABLE
    bool has_policy; // of the log
    xn_policy policy;
#endif
} xn_index;

// Read by all parts of the store, changed by xn_index*.c; cursor also by xn_extent.c.
extern xn_index xn_index_now;

int xn_index_mount(void);
// XN_OK, or why it is not mounted, with the words.
int xn_index_status(void);
uint32_t xn_index_offset(const xn_index_entry *e); // of its extent
uint32_t xn_index_bytes(const xn_index_entry *e);
int xn_index_check_name(const char *name);
int xn_index_read(uint32_t index, xn_log_record *record);
void xn_index_describe(const xn_log_record *record, xn_store_object *object);
uint32_t xn_index_name_crc(const char *name);
// Whether the entry has this name, whose CRC is given: 1, 0, or an error.
int xn_index_is_named(uint32_t index, const char *name, uint32_t name_crc, xn_log_record *record);
// The index of the name's current version, XN_E_NOT_FOUND or another error.
int xn_index_find(const char *name, xn_log_record *record);
// The same for its last version in a state; version 0: any.
int xn_index_find_in(const char *name, enum xn_store_state state, uint32_t version,
                     xn_log_record *record);
// The part of a name that is a member's own, of the current bundle in *record; NULL: it is of none.
const char *xn_index_find_bundle(const char *name, xn_log_record *record);
// The greatest version of the name, whatever its state; 0: none. Negative: an error.
int xn_index_last_version(const char *name);
// Notes in a record that activates an object how long its trial is (confirm_s 0: none) and what a
// failure returns to: the model active before, or the one that a running trial would return to.
int xn_index_begin_trial(xn_log_record *record, uint32_t confirm_s, uint32_t boots);
// Writes the record into the log, compacting first if it is full, and applies it.
int xn_index_commit(xn_log_record *record);
// Writes the log again, in the other area; `emptied`: without objects and history.
int xn_index_compact(bool emptied);
// Forgets the oldest version that is not current, by a record: 1 done, 0 there is none, or an
// error.
int xn_index_evict(void);
#if XN_LOCKABLE
// The records of a policy and of the device key, as they are in the log: applying, writing twice,
// adding to a compaction.
int xn_index_apply_trust(const xn_log_record *from);
void xn_index_apply_device(const xn_log_record *from);
int xn_index_commit_policy(const xn_policy *policy);
int xn_index_commit_device(const xn_device_key *key);
int xn_index_add_trust(void);
#endif
// Changes the index as a record of the log says.
int xn_index_apply(const xn_log_record *record, uint32_t slot);
// Whether the history lists a record.
bool xn_index_is_event(const xn_log_record *record);

#endif
