// How often each sector of the extents was erased, and which are bad. Inner part of xn_store.
#ifndef XN_WEAR_H
#define XN_WEAR_H

#include <stdbool.h>
#include <stdint.h>

#include "store/xn_log.h"

typedef struct xn_wear {
    uint32_t sectors; // of the extents
    uint32_t bad;
    uint32_t min, max, mean; // erases of the others
    uint32_t log;            // erases of the log's areas
    uint32_t moves;          // objects moved to spread the wear
} xn_wear;

void xn_wear_clear(uint32_t sectors);
void xn_wear_load(const xn_log_record *record); // a WEAR record
void xn_wear_add(uint32_t first, uint32_t count);
void xn_wear_moved(void);
void xn_wear_set_bad(uint32_t sector);
bool xn_wear_is_bad(uint32_t sector);
uint32_t xn_wear_of(uint32_t sector); // erases, a bad one's too
void xn_wear_sum(xn_wear *sum);
void xn_wear_shift(uint32_t sectors); // the first ones are of the extents no more
// During a compaction: writes all that is known.
int xn_wear_save(void);

#endif
