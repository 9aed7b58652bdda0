// The store's table: which OBJECT records of the log still count. Inner part of xn_store.
#ifndef XN_TABLE_H
#define XN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "xn_log.h"

// What is kept of each record in RAM, in the order of the log; the rest is read from flash when
// asked for. The last entry of a name is its current version, earlier ones are retained until room
// is needed.
typedef struct xn_table_entry {
    uint32_t name_crc;
    uint32_t offset; // of the extent
    uint32_t extent_bytes;
    uint16_t slot; // of the record
    bool retained;
} xn_table_entry;

typedef struct xn_table {
    bool mounted;                                 // else nothing below counts
    xn_table_entry entries[XN_STORE_OBJECTS + 1]; // one more between a commit and its eviction
    uint32_t count;
    char active[XN_STORE_NAME_MAX + 1];
    uint32_t data_start, data_end; // extents lie within
    uint32_t cursor;               // where the next one is looked for
    uint32_t erases;               // of data sectors, so far
} xn_table;

// Read by all parts of the store, changed by xn_table.c; cursor and erases also by xn_extent.c.
extern xn_table xn_table_now;

int xn_table_mount(void);
int xn_table_check_name(const char *name);
int xn_table_read(uint32_t index, xn_log_record *record);
// The index of the name's current version, XN_E_NOT_FOUND or another error.
int xn_table_find(const char *name, xn_log_record *record);
// Writes the record into the log, compacting first where it is full, and applies it.
int xn_table_commit(xn_log_record *record);
// Forgets the oldest retained version, by a record: 1 done, 0 there is none, or an error.
int xn_table_evict(void);

#endif
