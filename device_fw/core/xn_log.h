// The store's commit log: records of 128 bytes in two areas that take turns. docs/SPEC-store.md is
// the text of this page.
#ifndef XN_LOG_H
#define XN_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "xn_store.h"

#define XN_LOG_RECORD 128u // bytes
#define XN_LOG_MAJOR 1u
#define XN_LOG_MINOR 0u
#define XN_LOG_MAGIC "XPSTORE" // with its ending 0

enum xn_log_kind {
    XN_LOG_FORMAT = 1, // first of an area
    XN_LOG_OBJECT = 2, // an object becomes the current one of its name
    XN_LOG_REMOVE = 3, // versions of a name are gone
    XN_LOG_ACTIVE = 4, // a name becomes the active model
};

enum xn_log_flag {
    XN_LOG_SKIPPABLE = 1, // a reader that does not know the kind passes over the record
    XN_LOG_ACTIVATES = 2, // OBJECT: its name also becomes the active model
};

// All records but FORMAT. Fields that a kind does not name are 0.
typedef struct xn_log_record {
    uint32_t crc;      // CRC-32 of bytes [4, 128)
    uint32_t sequence; // grows by one with each record
    uint8_t kind;      // enum xn_log_kind
    uint8_t flags;     // enum xn_log_flag
    uint16_t type;     // OBJECT: enum xn_store_type
    char name[XN_STORE_NAME_MAX + 1];
    uint8_t sha256[32];    // OBJECT: of its size bytes
    uint32_t offset;       // OBJECT: of its extent, a multiple of the sector
    uint32_t size;         // OBJECT: bytes
    uint32_t extent_bytes; // OBJECT: multiple of the sector, >= size
    uint32_t version;      // OBJECT: >= 1; REMOVE: this one, 0: all
    uint32_t erases;       // of data sectors, so far
    uint16_t state;        // OBJECT: 0 confirmed; others are reserved
    uint16_t reason;       // OBJECT: reserved
    uint32_t reserved[5];
} xn_log_record;

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
    uint32_t area_bytes; // the areas lie at 0 and at area_bytes, objects behind them
    uint32_t cursor;     // where the next extent is looked for
    uint32_t erases;     // of data sectors, so far
    uint32_t reserved[21];
} xn_log_format;

_Static_assert(sizeof(xn_log_record) == XN_LOG_RECORD, "record");
_Static_assert(sizeof(xn_log_format) == XN_LOG_RECORD, "format");

// Finds the newer area, or formats the first. *format is a copy of its first record.
int xn_log_open(xn_log_format *format);
// Then: hands the records to `apply` in order, and stops at its first error.
typedef int xn_log_apply_fn(const xn_log_record *record, uint32_t slot);
int xn_log_replay(xn_log_apply_fn *apply);

bool xn_log_full(void);
// Reads a record back; XN_E_FLASH where it is no longer whole.
int xn_log_read(uint32_t slot, xn_log_record *record);
// Appends: sets sequence and CRC, and the slot it got.
int xn_log_append(xn_log_record *record, uint32_t *slot);

// Compaction: begin erases the other area; copy and add fill its slots 1, 2, ..; finish writes its
// first record, and with that the areas have changed places. Before that the old one holds.
int xn_log_compact_begin(void);
int xn_log_compact_copy(uint32_t slot);
int xn_log_compact_add(xn_log_record *record);
int xn_log_compact_finish(uint32_t cursor, uint32_t erases);

#endif
