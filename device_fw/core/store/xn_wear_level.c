#include "store/xn_wear_level.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "store/xn_extent.h"
#include "store/xn_flash.h"
#include "store/xn_index.h"
#include "store/xn_wear.h"

#define SPREAD 16u // erases between the most worn sector and an object's that call for a move

// The most erases of any sector of an entry's extent.
static uint32_t wear_of(const xn_index_entry *e) {
    uint32_t most = 0;
    for (uint32_t i = e->first; i < (uint32_t)e->first + e->sectors; i++) {
        uint32_t of = xn_wear_of(i);
        most = of > most ? of : most;
    }
    return most;
}

static bool may_move(const xn_index_entry *e) {
    return e->state == XN_STORE_CURRENT &&
           (xn_extent_in_use == NULL ||
            !xn_extent_in_use(xn_port_flash_map(xn_index_offset(e)), xn_index_bytes(e)));
}

static int coldest(uint32_t *wear) {
    const xn_index *t = &xn_index_now;
    int found = -1;
    for (uint32_t i = 0; i < t->count; i++) {
        if (may_move(&t->entries[i])) {
            uint32_t of = wear_of(&t->entries[i]);
            if (found < 0 || of < *wear) {
                found = (int)i;
                *wear = of;
            }
        }
    }
    return found;
}

static int copy_sector(uint32_t from, uint32_t to) {
    uint8_t piece[XN_FLASH_PIECE];
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    int status = xn_flash_erase(to);
    for (uint32_t at = 0; at < sector && status == XN_OK; at += sizeof(piece)) {
        status = xn_port_flash_read(from + at, piece, sizeof(piece));
        if (status == XN_OK && !xn_flash_is_blank(piece, sizeof(piece))) {
            status = xn_flash_place(to + at, piece, sizeof(piece));
        }
    }
    return status;
}

static int copy_extent(uint32_t from, uint32_t to, uint32_t bytes) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    int status = XN_OK;
    for (uint32_t at = 0; at < bytes && status == XN_OK; at += sector) {
        status = copy_sector(from + at, to + at);
    }
    return status;
}

static int commit_move(xn_log_record *record, enum xn_log_kind kind, uint32_t to) {
    record->kind = (uint8_t)kind;
    record->flags = (uint8_t)(XN_LOG_MOVES | (record->flags & XN_LOG_SEALED));
    record->offset = to;
    record->state = 0;
    record->previous = record->confirm_s = record->boots = 0;
    return xn_index_commit(record);
}

// Says of all objects at `from` that they are at `to`, by a record each: in between both count.
static int rename_all(uint32_t from, uint32_t to) {
    xn_log_record record;
    int status = XN_OK;
    for (uint32_t i = 0; i < xn_index_now.count && status == XN_OK; i++) {
        if (xn_index_offset(&xn_index_now.entries[i]) == from) {
            status = xn_index_read(i, &record);
            if (status == XN_OK) {
                status = commit_move(&record, XN_LOG_OBJECT, to);
            }
        }
    }
    return status;
}

static int move(xn_log_record *record) {
    uint32_t to;
    uint32_t from = record->offset;
    int status = xn_extent_take(record->extent_bytes, true, &to);
    if (status == XN_OK) {
        status = commit_move(record, XN_LOG_BEGIN, to);
    }
    if (status == XN_OK) {
        status = copy_extent(from, to, record->extent_bytes);
    }
    return status == XN_OK ? rename_all(from, to) : status;
}

void xn_wear_level(void) {
    xn_log_record record;
    xn_wear wear;
    uint32_t least = 0;
    xn_wear_sum(&wear);
    int index = xn_index_now.trial.on ? -1 : coldest(&least);
    if (index >= 0 && wear.max > least + SPREAD && wear.max > least + least / 2u &&
        xn_index_read((uint32_t)index, &record) == XN_OK) {
        (void)move(&record);
        xn_index_now.begun = 0;
    }
}
