// Named objects in raw NOR flash; the bytes are those of docs/SPEC-store.md.
#ifndef XN_STORE_H
#define XN_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/xn_patch.h"

#ifndef XN_STORE_OBJECTS
#define XN_STORE_OBJECTS 64u // objects, retained old versions included
#endif
#ifndef XN_STORE_SECTORS
#define XN_STORE_SECTORS                                                                           \
    4096u // sectors the store can use, more are left alone; 1.25 bytes of RAM each
#endif
#define XN_STORE_EVENTS 16u // that a compaction of the log keeps

#define XN_STORE_NAME_MAX 39u // bytes of a name, the ending 0 not counted

enum xn_store_type { XN_STORE_BLOB = 1, XN_STORE_SCRIPT = 2, XN_STORE_DATA = 3 };

enum xn_store_state {
    XN_STORE_CURRENT = 0,
    XN_STORE_EARLIER = 1,   // kept until room is needed
    XN_STORE_WITHDRAWN = 2, // the same, but nothing returns to it
    XN_STORE_UNFINISHED = 3 // an upload that was begun
};

enum xn_store_reason {
    XN_STORE_NO_REASON = 0,
    XN_STORE_STATUS = 1,   // detail: enum xn_status
    XN_STORE_FAULT = 2,    // detail: step, -1 outside of any
    XN_STORE_DEADLINE = 3, // detail: step
    XN_STORE_START = 4,    // the board started; detail: enum xn_boot_cause
    XN_STORE_LATE = 5,     // detail: seconds it had
    XN_STORE_HOST = 6,
    XN_STORE_OPEN = 7 // cannot be opened; detail: enum xn_status
};

enum xn_store_event { XN_STORE_TESTING = 1, XN_STORE_REFUSED = 2 };

// The active model may be on trial: it stays only if it is confirmed.
typedef struct xn_store_trial {
    bool on;
    bool withdraws;     // failing withdraws the version, not only its being active
    uint32_t version;   // of the active model
    uint32_t previous;  // sequence of the OBJECT record to return to, 0: none
    uint32_t confirm_s; // time it has
    uint32_t boots;     // starts of the board that it may still see
} xn_store_trial;

typedef struct xn_store_object {
    char name[XN_STORE_NAME_MAX + 1];
    uint32_t type; // enum xn_store_type
    uint32_t size;
    uint32_t version; // 1 for the first of its name
    uint32_t offset;  // of its first byte in the flash region, aligned to a sector
    uint8_t sha256[32];
} xn_store_object;

// Reads the log; formats a region that holds no store. XN_E_STORE: made by a newer format.
int xn_store_mount(void);

int xn_store_find(const char *name, xn_store_object *object);
// Goes through the objects: *cursor starts as 0. 1: *object is the next one, 0: no more.
int xn_store_next(uint32_t *cursor, xn_store_object *object);
uint32_t xn_store_free_bytes(void); // retained old versions count as free
// Where the object is mapped.
const uint8_t *xn_store_map(const xn_store_object *object);

// ---- A new object: one at a time; begin gives up another unfinished one -----------------------

// `want` states name, type, size and sha256; its offset is filled in. *have: the bytes are in the
// store already, and xn_store_verify() may follow at once. *resumed: the upload of these bytes was
// begun before; what was written then is still there.
int xn_store_begin(xn_store_object *want, bool *have, bool *resumed);
// Pieces in any order: offset is a multiple of 256, and so is n but for the last piece. The first
// one into a sector erases it. A piece that is there already is accepted again. Where the flash
// does not take a piece its sector is bad, and the upload goes on at another place.
int xn_store_write(uint32_t offset, const uint8_t *bytes, uint32_t n);
// The same with bytes that lie in the extents at a flash offset; changed by a patch where that is
// not NULL, and then `from` may be XN_STORE_ZEROS: zeros are changed.
#define XN_STORE_ZEROS 0xFFFFFFFFu
int xn_store_copy(uint32_t offset, uint32_t from, uint32_t n, xn_patch *patch);
// Compares the SHA-256 of the flash with the stated one and makes the bytes fit to execute.
// Fills *object, whose version is the one that a commit would give.
int xn_store_verify(xn_store_object *object);
// After verify: one atomic record makes the object current; `activate` makes it the active model
// by the same record, on trial where confirm_s is not 0. What had this name before stays as an old
// version until room is needed.
int xn_store_commit(bool activate, uint32_t confirm_s, uint32_t boots);
void xn_store_abort(void); // it can be begun again

// ---- Changes ----------------------------------------------------------------------------------

int xn_store_remove(const char *name); // all versions
int xn_store_activate(const char *name, uint32_t confirm_s, uint32_t boots);
// The active model's name, "" where there is none.
const char *xn_store_active(void);
int xn_store_format(void); // empties it, also one that cannot be mounted

// ---- Trials: xn_active.h decides, the store remembers -----------------------------------------

const xn_store_trial *xn_store_on_trial(void); // NULL: the active model is not
int xn_store_confirm(const char *name);
int xn_store_count_start(void);
// The trial failed: what was active before is so again.
int xn_store_return(enum xn_store_reason reason, int32_t detail);
// Withdraws the current version of a name by hand. XN_E_VERSION: there is no earlier one.
int xn_store_rollback(const char *name);
// A golden run begins, or an upload is refused. It is remembered which golden run did not end.
int xn_store_note(enum xn_store_event event, const xn_store_object *object,
                  enum xn_store_reason reason, int32_t detail);
// 1: *object is what was being tested when the board stopped, 0: nothing was.
int xn_store_tested(xn_store_object *object);

// ---- Everything that lies in flash ------------------------------------------------------------

// Goes through all versions and the unfinished upload; as xn_store_next().
int xn_store_held(uint32_t *cursor, xn_store_object *object, enum xn_store_state *state);
bool xn_store_within(uint32_t offset, uint32_t n); // the extents

// Set by who executes from the store: whether [at, at + n) is in use, and so must not be erased
// though no record names it any more.
extern bool (*xn_store_in_use)(const uint8_t *at, uint32_t n);

#endif
