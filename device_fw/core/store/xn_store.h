// Named objects in raw NOR flash; the bytes are those of docs/SPEC-store.md.
#ifndef XN_STORE_H
#define XN_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/xn_store_types.h"
#if XN_LOCKABLE
#include "trust/xn_device.h"
#include "trust/xn_policy.h"
#endif

// Reads the log; formats blank flash. XN_E_STORE: something else is there, and stays as it is.
int xn_store_mount(void);
// XN_OK, or why the last mount failed, with its words.
int xn_store_status(void);
uint32_t xn_store_lost(void); // records of the log that cannot be read any more; see xn_log_report

// BUNDLE/MEMBER finds a member of a current bundle, whose bytes are compared first, as
// xn_store_check() does.
int xn_store_find(const char *name, xn_store_object *object);
// Goes through the objects: *cursor starts as 0. 1: *object is the next one, 0: no more.
int xn_store_next(uint32_t *cursor, xn_store_object *object);
// The same with the members of each bundle behind it.
int xn_store_next_member(uint32_t *cursor, xn_store_object *object);
// Compares an object's bytes in flash with their SHA-256, the first time since the start, or since
// they were placed; later it is known. XN_E_DAMAGED names the object.
int xn_store_check(const xn_store_object *object);
// The same without its seal: of bytes that another object vouches for by their hash.
int xn_store_check_bytes(const xn_store_object *object);
int xn_store_find_whole(const char *name, xn_store_object *object);  // finds and checks
enum xn_store_health xn_store_health(const xn_store_object *object); // what is known
// Compares bytes with their SHA-256, whatever is known: whole or damaged.
enum xn_store_health xn_store_compare(const xn_store_object *object);
uint32_t xn_store_free_bytes(void); // retained old versions count as free
// The address that the object is mapped at.
const uint8_t *xn_store_map(const xn_store_object *object);

// ---- Changes ----------------------------------------------------------------------------------

int xn_store_remove(const char *name); // all versions
int xn_store_activate(const char *name, uint32_t confirm_s, uint32_t boots);
// The active model's name, "" if there is none.
const char *xn_store_active(void);
int xn_store_format(void); // empties it, also one that cannot be mounted

// ---- Trials: xn_active.h decides, the store remembers -----------------------------------------

const xn_store_trial *xn_store_on_trial(void); // NULL: the active model is not
int xn_store_confirm(const char *name);
int xn_store_count_start(void);
// The trial failed: the model that was active before is active again.
int xn_store_return(enum xn_store_reason reason, int32_t detail);
// Withdraws the current version of a name by hand. XN_E_VERSION: there is no earlier one.
int xn_store_rollback(const char *name);
// 1: *object is the version that this would return to, if the name is not on trial; else negative.
int xn_store_previous(const char *name, xn_store_object *object);
// A golden run begins, or an upload is refused. It is remembered which golden run did not end.
int xn_store_note(enum xn_store_event event, const xn_store_object *object,
                  enum xn_store_reason reason, int32_t detail);
// 1: *object is what was being tested when the board stopped, 0: nothing was.
int xn_store_tested(xn_store_object *object);

// ---- Everything that lies in flash ------------------------------------------------------------

// Goes through all versions, the unfinished upload and what was lost; as xn_store_next().
int xn_store_held(uint32_t *cursor, xn_store_object *object, enum xn_store_state *state);
bool xn_store_within(uint32_t offset, uint32_t n); // the extents

#if XN_LOCKABLE

// ---- Trust: docs/SPEC-trust.md ----------------------------------------------------------------

// Write it into the log, twice, and hand it to xn_policy_take() or xn_device_take(). Uploads under
// way end with a new policy, and what was found of objects before does not count any more.
int xn_store_keep_policy(const xn_policy *policy);
int xn_store_keep_device(const xn_device_key *key);
int xn_store_note_unlock(uint32_t key_id); // an order was taken
uint32_t xn_store_floor(void);             // of the security counter
uint32_t xn_store_floor_now(void);         // the same, 0 while this board does not count
uint32_t xn_store_next_sequence(void);     // of the log
// Whether the board gives, runs or returns to an object, as far as the log tells: XN_OK; XN_E_SEAL,
// XN_E_COUNTER with its name.
int xn_store_is_taken(const xn_store_object *object);
// Checks the seal in flash against the policy, its floor too if that counts, whatever the board
// takes now. XN_E_SEAL or XN_E_COUNTER names the object and the rule.
int xn_store_seal_holds(const xn_store_object *object);
// The same as the board asks for it now: XN_OK in state 0, and of an object without one.
int xn_store_check_seal(const xn_store_object *object);
// Raises the floor to the counter of an object. 1: it has at least that; 0: this board does not
// count.
int xn_store_raise_floor(const char *name);
int xn_store_may_activate(const char *name); // finds it, and whether it is taken
// Whether a trial may return to the object of a record, by its sequence; 0: to none.
int xn_store_may_return(uint32_t sequence);
// Whether these are bytes of a current or earlier version, or what the upload under way wrote.
bool xn_store_within_live(uint32_t offset, uint32_t n);
// Raw flash, but for the secret of the device key: zeros. Of a record that cannot be read, too.
int xn_store_read_raw(uint32_t offset, uint8_t *to, uint32_t n);

#else

static inline int xn_store_is_taken(const xn_store_object *object) {
    (void)object;
    return 0;
}

static inline int xn_store_check_seal(const xn_store_object *object) {
    (void)object;
    return 0;
}

static inline int xn_store_raise_floor(const char *name) {
    (void)name;
    return 0;
}

static inline int xn_store_may_activate(const char *name) {
    (void)name;
    return 0;
}

static inline int xn_store_may_return(uint32_t sequence) {
    (void)sequence;
    return 0;
}

#endif
#endif
