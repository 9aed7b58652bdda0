// The store's commit log: records of 128 bytes in two areas that take turns. docs/SPEC-store.md is
// the text of this page.
#ifndef XN_LOG_H
#define XN_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "store/xn_store_types.h"

#define XN_LOG_RECORD 128u // bytes
#define XN_LOG_MAJOR 3u
#define XN_LOG_MINOR 0u
#define XN_LOG_MAGIC "XPSTORE" // with its ending 0
#define XN_LOG_COUNTS 80u      // of sectors, in one WEAR record
#define XN_LOG_SEAL 192u       // bytes of a manifest

enum xn_log_kind {
    XN_LOG_FORMAT = 1,   // first of an area
    XN_LOG_OBJECT = 2,   // an object becomes the current one of its name
    XN_LOG_REMOVE = 3,   // versions of a name are gone
    XN_LOG_ACTIVE = 4,   // a name becomes the active model
    XN_LOG_CONFIRM = 5,  // the active model's trial is over, it stays
    XN_LOG_RETURN = 6,   // a version is withdrawn, an earlier one is current again
    XN_LOG_EVENT = 7,    // nothing changes; told by the history
    XN_LOG_BEGIN = 8,    // an extent is taken, its sectors are going to be erased
    XN_LOG_WEAR = 9,     // erase counts
    XN_LOG_START = 10,   // the board started with a model on trial
    XN_LOG_BAD = 11,     // a sector is not to be used again
    XN_LOG_COUNTER = 12, // the floor of the security counter
    XN_LOG_TRUST = 13,   // whose objects are taken
    XN_LOG_DEVICE = 14,  // the board's own key
    XN_LOG_UNLOCK = 15,  // an order was taken
    XN_LOG_LOST = 255,   // type of an EVENT: a record that could not be read any more
};

enum xn_log_flag {
    XN_LOG_SKIPPABLE = 1, // a reader that does not know the kind passes over the record
    XN_LOG_ACTIVATES = 2, // OBJECT: its name also becomes the active model
    XN_LOG_WITHDRAWS = 4, // ACTIVE: a trial that fails withdraws the version
    XN_LOG_SWITCHES = 8,  // RETURN: the name of `previous` becomes the active model
    XN_LOG_MOVES = 16,    // OBJECT, BEGIN: the same object at another place
    XN_LOG_SEALED = 32,   // OBJECT, BEGIN: a manifest ends the extent
};

// All records but FORMAT, WEAR, TRUST and DEVICE. Fields that a kind does not name are 0.
typedef struct xn_log_record {
    uint32_t crc;      // CRC-32 of bytes [4, 128)
    uint32_t sequence; // grows by one with each record
    uint8_t kind;      // enum xn_log_kind
    uint8_t flags;     // enum xn_log_flag
    uint16_t type;     // OBJECT, BEGIN: enum xn_store_type; EVENT: enum xn_log_kind
    char name[XN_STORE_NAME_MAX + 1];
    uint8_t sha256[32];    // OBJECT, BEGIN, EVENT: of its size bytes
    uint32_t offset;       // OBJECT, BEGIN: of its extent; BAD: of the sector
    uint32_t size;         // OBJECT, BEGIN, EVENT: bytes
    uint32_t extent_bytes; // OBJECT, BEGIN: multiple of the sector, >= size
    uint32_t version;      // OBJECT: >= 1; REMOVE: this one, 0: all; ACTIVE, CONFIRM, RETURN, EVENT
    uint32_t generation;   // of the area that it was written for
    uint16_t state;        // OBJECT: enum xn_store_state; EVENT: enum xn_store_event
    uint16_t reason;       // RETURN, EVENT: enum xn_store_reason
    uint32_t previous;     // sequence of the OBJECT record that was active before, 0: none
    uint32_t confirm_s;    // OBJECT, ACTIVE: 0: not on trial
    uint32_t boots;        // OBJECT, ACTIVE: starts of the board that a trial may see
    int32_t detail;        // RETURN, EVENT: of the reason
    uint32_t counter;      // COUNTER, sealed OBJECT; UNLOCK: key id
} xn_log_record;

typedef struct xn_log_wear {
    uint32_t crc;
    uint32_t sequence;
    uint8_t kind; // XN_LOG_WEAR
    uint8_t flags;
    uint16_t count;                // sectors that follow
    uint32_t first;                // sector, counted from the first of the extents
    uint32_t base;                 // what is added to each count
    uint8_t counts[XN_LOG_COUNTS]; // erases above base; 254: or more, 255: bad
    uint32_t generation;           // as in xn_log_record
    uint32_t moves;                // objects moved to spread the wear, so far
    uint32_t reserved[5];
} xn_log_wear;

typedef struct xn_log_trust {
    uint32_t crc;
    uint32_t sequence;
    uint8_t kind; // XN_LOG_TRUST
    uint8_t flags;
    uint16_t state;        // enum xn_policy_state
    char product[16];      // ends with a 0
    uint8_t keys[2][32];   // all 0: none
    uint32_t policy_flags; // enum xn_policy_flag
    uint32_t reserved;
    uint32_t generation; // as in xn_log_record
    uint32_t reserved2[6];
} xn_log_trust;

typedef struct xn_log_device {
    uint32_t crc;
    uint32_t sequence;
    uint8_t kind; // XN_LOG_DEVICE
    uint8_t flags;
    uint16_t reserved;
    uint8_t seed[32];
    uint8_t key[32]; // public
    char source[16]; // ends with a 0
    uint32_t reserved2[2];
    uint32_t generation; // as in xn_log_record
    uint32_t reserved3[6];
} xn_log_device;

typedef struct xn_log_format {
    uint32_t crc;
    uint32_t sequence;
    uint8_t kind; // XN_LOG_FORMAT
    uint8_t flags;
    uint8_t major; // XN_LOG_MAJOR, another is refused
    uint8_t minor;
    char magic[8];       // XN_LOG_MAGIC
    uint32_t generation; // of this area: the higher one is the log
    uint32_t region_bytes;
    uint32_t sector_bytes;
    uint32_t area_bytes;   // the areas are at 0 and at area_bytes, objects behind them
    uint32_t cursor;       // where the next extent is looked for
    uint32_t records;      // that the compaction wrote into the area
    uint32_t lost;         // that earlier areas had lost
    uint32_t reserved[20]; // all FF: little that is not ours looks like a part of it
} xn_log_format;

_Static_assert(sizeof(xn_log_record) == XN_LOG_RECORD, "record");
_Static_assert(sizeof(xn_log_wear) == XN_LOG_RECORD, "wear");
_Static_assert(sizeof(xn_log_format) == XN_LOG_RECORD, "format");
_Static_assert(sizeof(xn_log_trust) == XN_LOG_RECORD, "trust");
_Static_assert(sizeof(xn_log_device) == XN_LOG_RECORD, "device");

// What the log's flash has done to it.
typedef struct xn_log_report {
    uint32_t lost;    // records that cannot be read any more, since the store was formatted
    uint32_t unclear; // 1: the last one could not be read: power was cut, or it is damaged
    uint32_t mended;  // that are read though a bit of them is wrong
    uint32_t formats; // FORMAT records of the area, of two, that cannot be read
} xn_log_report;

extern xn_log_report xn_log_now;

// Finds the newer area; blank flash gets its first one. *format is a copy of the area's FORMAT
// record. XN_E_STORE: there is something else, and nothing was changed.
int xn_log_open(xn_log_format *format);
// Erases both areas and begins the log again, whatever is there.
int xn_log_restart(void);
// After xn_log_open(): hands the records to `apply` in order, and stops at its first error.
typedef int xn_log_apply_fn(const xn_log_record *record, uint32_t slot);
int xn_log_replay(xn_log_apply_fn *apply);

bool xn_log_full(void);
uint32_t xn_log_end(void);      // slots up to this one may hold records
uint32_t xn_log_erasures(void); // times that an area was erased
#if XN_LOCKABLE
uint32_t xn_log_next_sequence(void); // of the next record
// Raw flash without the secrets of DEVICE records; `mounted`: what the log's areas hold is known.
int xn_log_read_raw(uint32_t offset, uint8_t *to, uint32_t n, bool mounted);
#endif
// Reads a record back; XN_E_FLASH if it is no longer whole.
int xn_log_read(uint32_t slot, xn_log_record *record);
// Any slot: 1 *record is a record, 0 it is none. One that was lost is an EVENT of type XN_LOG_LOST.
// Whether the bytes of a record or a row are a name: 1 to XN_STORE_NAME_MAX characters, then 0 up
// to the end.
bool xn_log_is_name(const char *name);
int xn_log_look(uint32_t slot, xn_log_record *record);
// Appends: sets sequence, generation and CRC, and the slot it got. A slot that does not take it is
// spent, and the next one tried.
int xn_log_append(xn_log_record *record, uint32_t *slot);

// Begins a record about an object; the rest of its fields are 0.
void xn_log_fill(xn_log_record *record, enum xn_log_kind kind, const xn_store_object *object);

// Compaction: begin erases the other area; copy and add fill its slots from 1 on; finish writes its
// FORMAT record, and with that the areas have changed places. Before that the old one holds.
int xn_log_compact_begin(void);
int xn_log_compact_copy(xn_log_record *record, uint32_t *slot); // keeps its sequence
int xn_log_compact_add(xn_log_record *record);
int xn_log_compact_finish(uint32_t cursor, uint32_t *sequence); // of that record

// Areas of today's size, for an empty store that format 2.0 made. Between begin and finish a
// compaction writes a new area, behind the old ones; they are the log until finish erases them. The
// store is to be mounted again then.
typedef struct xn_log_growth {
    uint32_t area, area_bytes; // the log before
    uint32_t moved;            // bytes by which the extents begin later
} xn_log_growth;

bool xn_log_grow_begin(xn_log_growth *growth); // false: the size is right
void xn_log_grow_finish(const xn_log_growth *growth);

#endif
