#include "store/xn_wear.h"

#include <string.h>

#include "base/xn_status.h"

#define MOST 254u // a count that may be too small
#define BAD 255u

static struct {
    uint32_t sectors;
    uint32_t base; // of all counts
    uint32_t moves;
    uint8_t counts[XN_STORE_SECTORS];
} wear;

void xn_wear_clear(uint32_t sectors) {
    memset(&wear, 0, sizeof(wear));
    wear.sectors = sectors;
}

void xn_wear_load(const xn_log_record *record) {
    xn_log_wear from;
    memcpy(&from, record, sizeof(from));
    wear.base = from.base;
    wear.moves = from.moves;
    for (uint32_t i = 0; i < from.count && i < XN_LOG_COUNTS; i++) {
        if (from.first < wear.sectors && i < wear.sectors - from.first) {
            wear.counts[from.first + i] = from.counts[i];
        }
    }
}

static uint32_t least_count(void) {
    uint32_t least = MOST;
    for (uint32_t i = 0; i < wear.sectors; i++) {
        least = wear.counts[i] < least ? wear.counts[i] : least;
    }
    return least;
}

// Makes room in the counts by raising what all have in common.
static void rebase(void) {
    uint32_t least = least_count();
    for (uint32_t i = 0; i < wear.sectors; i++) {
        if (wear.counts[i] < BAD) {
            wear.counts[i] = (uint8_t)(wear.counts[i] - least);
        }
    }
    wear.base += least;
}

void xn_wear_add(uint32_t first, uint32_t count) {
    for (uint32_t i = first; i < first + count && i < wear.sectors; i++) {
        if (wear.counts[i] == MOST) {
            rebase();
        }
        wear.counts[i] = (uint8_t)(wear.counts[i] + (wear.counts[i] < MOST ? 1u : 0u));
    }
}

void xn_wear_moved(void) {
    wear.moves++;
}

void xn_wear_set_bad(uint32_t sector) {
    if (sector < wear.sectors) {
        wear.counts[sector] = BAD;
    }
}

bool xn_wear_is_bad(uint32_t sector) {
    return wear.counts[sector] == BAD;
}

uint32_t xn_wear_of(uint32_t sector) {
    return wear.base + wear.counts[sector];
}

void xn_wear_sum(xn_wear *sum) {
    uint64_t all = 0;
    memset(sum, 0, sizeof(*sum));
    sum->sectors = wear.sectors;
    sum->min = UINT32_MAX;
    for (uint32_t i = 0; i < wear.sectors; i++) {
        uint32_t of = xn_wear_of(i);
        if (xn_wear_is_bad(i)) {
            sum->bad++;
            continue;
        }
        all += of;
        sum->min = of < sum->min ? of : sum->min;
        sum->max = of > sum->max ? of : sum->max;
    }
    sum->mean = sum->bad < sum->sectors ? (uint32_t)(all / (sum->sectors - sum->bad)) : 0;
    sum->min = sum->min > sum->max ? 0 : sum->min;
    sum->log = xn_log_erasures();
    sum->moves = wear.moves;
}

void xn_wear_shift(uint32_t sectors) {
    wear.sectors -= sectors;
    memmove(wear.counts, wear.counts + sectors, wear.sectors);
}

int xn_wear_save(void) {
    union {
        xn_log_record record;
        xn_log_wear wear;
    } to;
    int status = XN_OK;
    for (uint32_t i = 0; i < wear.sectors && status == XN_OK; i += XN_LOG_COUNTS) {
        uint32_t left = wear.sectors - i;
        memset(&to, 0, sizeof(to));
        to.wear.kind = XN_LOG_WEAR;
        to.wear.count = (uint16_t)(left < XN_LOG_COUNTS ? left : XN_LOG_COUNTS);
        to.wear.first = i;
        to.wear.base = wear.base;
        to.wear.moves = wear.moves;
        memcpy(to.wear.counts, wear.counts + i, to.wear.count);
        status = xn_log_compact_add(&to.record);
    }
    return status;
}
