#include "store/xn_extent.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "store/xn_index.h"
#include "store/xn_wear.h"
#include "store/xn_weights.h"

bool (*xn_extent_in_use)(const uint8_t *at, uint32_t n);

static uint8_t used[(XN_STORE_SECTORS + 7u) / 8u]; // bit per sector

static uint32_t sector_bytes(void) {
    return xn_port_flash_geometry()->sector_bytes;
}

static uint32_t sectors(void) {
    return (xn_index_now.data_end - xn_index_now.data_start) / sector_bytes();
}

uint32_t xn_extent_bytes(uint32_t size) {
    uint32_t sector = sector_bytes();
    uint32_t rest = size % sector;
    return rest == 0 ? size : size - rest + sector;
}

// ---- What is free -----------------------------------------------------------------------------

static void mark_used(uint32_t offset, uint32_t bytes) {
    uint32_t first = (offset - xn_index_now.data_start) / sector_bytes();
    for (uint32_t i = first; i < first + bytes / sector_bytes(); i++) {
        used[i >> 3] |= (uint8_t)(1u << (i & 7u));
    }
}

static bool is_used(uint32_t i) {
    return ((uint32_t)used[i >> 3] >> (i & 7u) & 1u) != 0;
}

// Weights of an earlier version that a current blob names.
static bool is_kept(uint32_t index) {
    xn_store_object blob;
    return xn_weights_entry_needed(index, XN_WEIGHTS_BY_CURRENT, &blob) == 1;
}

// Bad sectors and what records name; `all`: also earlier versions, an unfinished upload and what is
// being executed.
static void map_used(bool all) {
    const xn_index *t = &xn_index_now;
    memset(used, 0, sizeof(used));
    for (uint32_t i = 0; i < t->count; i++) {
        if (all || t->entries[i].state == XN_STORE_CURRENT || is_kept(i)) {
            mark_used(xn_index_offset(&t->entries[i]), xn_index_bytes(&t->entries[i]));
        }
    }
    if (all && t->begun != 0) {
        mark_used(t->begun_at, t->begun_bytes);
    }
    for (uint32_t i = 0; i < sectors(); i++) {
        uint32_t at = t->data_start + i * sector_bytes();
        if (xn_wear_is_bad(i) || (all && !is_used(i) && xn_extent_in_use != NULL &&
                                  xn_extent_in_use(xn_port_flash_map(at), sector_bytes()))) {
            mark_used(at, sector_bytes());
        }
    }
}

uint32_t xn_extent_free(void) {
    uint32_t bytes = 0;
    map_used(false);
    for (uint32_t i = 0; i < sectors(); i++) {
        bytes += is_used(i) ? 0 : sector_bytes();
    }
    return bytes;
}

// ---- Taking -----------------------------------------------------------------------------------

typedef struct best {
    bool found;
    uint32_t first;    // sector
    uint64_t wear;     // sum of its sectors
    uint32_t distance; // behind the cursor
} best;

static void consider(best *b, uint32_t first, uint64_t wear, bool worn) {
    uint32_t n = sectors();
    uint32_t cursor = (xn_index_now.cursor - xn_index_now.data_start) / sector_bytes() % n;
    uint32_t distance = (first + n - cursor) % n;
    bool better = worn ? wear > b->wear : wear < b->wear;
    if (!b->found || better || (wear == b->wear && distance < b->distance)) {
        *b = (best){true, first, wear, distance};
    }
}

// A window of `need` sectors slides over the flash.
static best search(uint32_t need, bool worn) {
    best b = {false, 0, 0, 0};
    uint64_t wear = 0;
    uint32_t run = 0;
    map_used(true);
    for (uint32_t i = 0; i < sectors(); i++) {
        if (is_used(i)) {
            run = 0;
            wear = 0;
            continue;
        }
        wear += xn_wear_of(i);
        run++;
        if (run > need) {
            wear -= xn_wear_of(i - need);
        }
        if (run >= need) {
            consider(&b, i + 1u - need, wear, worn);
        }
    }
    return b;
}

int xn_extent_take(uint32_t bytes, bool worn, uint32_t *offset) {
    xn_index *t = &xn_index_now;
    uint32_t need = bytes / sector_bytes();
    if (t->cursor < t->data_start || (t->cursor - t->data_start) % sector_bytes() != 0) {
        t->cursor = t->data_start;
    }
    for (;;) {
        best b = search(need, worn);
        if (b.found) {
            *offset = t->data_start + b.first * sector_bytes();
            return XN_OK;
        }
        int evicted = xn_index_evict();
        if (evicted < 0) {
            return evicted;
        }
        if (evicted == 0) {
            return xn_error_limit(XN_E_NO_SPACE, "bytes", bytes, xn_extent_free());
        }
    }
}
