#include "xn_extent.h"

#include <stddef.h>

#include "xn_error.h"
#include "xn_port.h"
#include "xn_table.h"

static bool overlap(uint32_t a, uint32_t a_bytes, const xn_table_entry *e) {
    return a < e->offset + e->extent_bytes && e->offset < a + a_bytes;
}

uint32_t xn_extent_bytes(uint32_t size) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    uint32_t rest = size % sector;
    return rest == 0 ? size : size - rest + sector;
}

// 0 where [at, at + bytes) is free, else a place behind `at` where it may be.
static uint32_t blocked(uint32_t at, uint32_t bytes) {
    const xn_table *t = &xn_table_now;
    for (uint32_t i = 0; i < t->count; i++) {
        if (overlap(at, bytes, &t->entries[i])) {
            return t->entries[i].offset + t->entries[i].extent_bytes;
        }
    }
    if (xn_store_in_use != NULL && xn_store_in_use(xn_port_flash_map(at), bytes)) {
        return at + xn_port_flash_geometry()->sector_bytes;
    }
    return 0;
}

// Looks for a run that starts in [from, to).
static bool find(uint32_t from, uint32_t to, uint32_t bytes, uint32_t *offset) {
    uint32_t at = from;
    while (at < to && at <= xn_table_now.data_end && bytes <= xn_table_now.data_end - at) {
        uint32_t next = blocked(at, bytes);
        if (next == 0) {
            *offset = at;
            return true;
        }
        at = next;
    }
    return false;
}

int xn_extent_take(uint32_t bytes, uint32_t *offset) {
    xn_table *t = &xn_table_now;
    for (;;) {
        if (t->cursor < t->data_start || t->cursor % xn_port_flash_geometry()->sector_bytes != 0) {
            t->cursor = t->data_start;
        }
        if (find(t->cursor, t->data_end, bytes, offset) ||
            find(t->data_start, t->cursor, bytes, offset)) {
            t->cursor = *offset + bytes;
            return XN_OK;
        }
        int evicted = xn_table_evict();
        if (evicted < 0) {
            return evicted;
        }
        if (evicted == 0) {
            return xn_error_limit(XN_E_NO_SPACE, "bytes", bytes, xn_extent_free());
        }
    }
}

// An extent that several names share counts once.
static bool counted(uint32_t index) {
    const xn_table *t = &xn_table_now;
    for (uint32_t i = 0; i < index; i++) {
        if (!t->entries[i].retained && t->entries[i].offset == t->entries[index].offset) {
            return true;
        }
    }
    return t->entries[index].retained;
}

uint32_t xn_extent_free(void) {
    const xn_table *t = &xn_table_now;
    uint32_t bytes = t->data_end - t->data_start;
    for (uint32_t i = 0; i < t->count; i++) {
        if (!counted(i)) {
            bytes -= t->entries[i].extent_bytes;
        }
    }
    return bytes;
}
