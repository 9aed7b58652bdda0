// Named objects in raw NOR flash; the bytes are those of docs/SPEC-store.md.
#ifndef XN_STORE_H
#define XN_STORE_H

#include <stdbool.h>
#include <stdint.h>

#ifndef XN_STORE_OBJECTS
#define XN_STORE_OBJECTS 64u // objects, retained old versions included
#endif
#ifndef XN_STORE_SECTORS
#define XN_STORE_SECTORS 8192u // sectors the store can use, more are left alone; 1 bit of RAM each
#endif

#define XN_STORE_NAME_MAX 39u // bytes of a name, the ending 0 not counted

enum xn_store_type { XN_STORE_BLOB = 1, XN_STORE_SCRIPT = 2, XN_STORE_DATA = 3 };

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

// ---- A new object: one at a time; begin forgets an unfinished one -----------------------------

// `want` states name, type, size and sha256. *have: the bytes are in the store already, and
// xn_store_verify() may follow at once.
int xn_store_begin(const xn_store_object *want, bool *have);
// Pieces in any order: offset is a multiple of 256, and so is n but for the last piece. A piece
// that is there already is accepted again.
int xn_store_write(uint32_t offset, const uint8_t *bytes, uint32_t n);
// Compares the SHA-256 of the flash with the stated one and makes the bytes fit to execute.
// Fills *object, whose version is the one that a commit would give.
int xn_store_verify(xn_store_object *object);
// After verify: one atomic record makes the object current; `activate` makes it the active model
// by the same record. What had this name before stays as an old version until room is needed.
int xn_store_commit(bool activate);
void xn_store_abort(void);

// ---- Changes ----------------------------------------------------------------------------------

int xn_store_remove(const char *name); // all versions
int xn_store_activate(const char *name);
// The active model's name, "" where there is none.
const char *xn_store_active(void);

// Set by who executes from the store: whether [at, at + n) is in use, and so must not be erased
// though no record names it any more.
extern bool (*xn_store_in_use)(const uint8_t *at, uint32_t n);

#endif
