#include "store/xn_log.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_crc32.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "store/xn_flash.h"

// An area's size follows from the flash alone: it must be found though the other one is gone. Room
// for the erase counts of all sectors, for all objects, and as much again.
#define AREA_BYTES_MIN 16384u
#define AREA_BYTES_PER_SECTOR 16u

_Static_assert(XN_STORE_OBJECTS + XN_STORE_EVENTS + 40u <= AREA_BYTES_MIN / XN_LOG_RECORD,
               "compaction must free slots");
_Static_assert(offsetof(xn_log_wear, generation) == offsetof(xn_log_record, generation),
               "generation");

static struct {
    uint32_t current; // area, 0 or 1
    uint32_t area_bytes;
    uint32_t next;       // slot of the next record
    uint32_t sequence;   // of the last record
    uint32_t generation; // of the area
    uint32_t other_next; // while compacting: slot in the other area
} areas;

static uint32_t round_up(uint32_t n, uint32_t to) {
    return (n + to - 1u) / to * to;
}

static uint32_t slot_offset(uint32_t area, uint32_t slot) {
    return area * areas.area_bytes + slot * XN_LOG_RECORD;
}

static uint32_t slots(void) {
    return areas.area_bytes / XN_LOG_RECORD;
}

static uint32_t crc_of(const void *record) {
    return xn_crc32((const uint8_t *)record + 4, XN_LOG_RECORD - 4u);
}

static int read_slot(uint32_t area, uint32_t slot, void *record) {
    return xn_port_flash_read(slot_offset(area, slot), record, XN_LOG_RECORD);
}

// An error counts only if the record is not there: what the next mount would find whole must hold
// from now on. If something else is there, the flash is to blame.
static int program_slot(uint32_t area, uint32_t slot, const void *record) {
    uint8_t seen[XN_LOG_RECORD];
    if (xn_flash_place(slot_offset(area, slot), record, XN_LOG_RECORD) == XN_OK) {
        return XN_OK;
    }
    bool there = read_slot(area, slot, seen) == XN_OK && memcmp(seen, record, sizeof(seen)) == 0;
    return there ? XN_OK : xn_error_at(XN_E_FLASH, "log slot", slot);
}

// The slots of a sector that cannot be erased are passed over, one by one; without the first slot
// there is no area.
static int erase_area(uint32_t area) {
    uint32_t sector = xn_port_flash_geometry()->sector_bytes;
    int status = xn_port_flash_erase(area * areas.area_bytes);
    for (uint32_t at = sector; at < areas.area_bytes && status == XN_OK; at += sector) {
        (void)xn_port_flash_erase(area * areas.area_bytes + at);
    }
    return status;
}

// Programs the record into the first slot from *next on that takes it.
static int place_record(uint32_t area, uint32_t *next, void *record, uint32_t *slot) {
    int status = XN_E_FLASH;
    while (status != XN_OK && *next < slots()) {
        *slot = (*next)++; // spent, whatever comes of it
        status = program_slot(area, *slot, record);
    }
    return status;
}

// ---- Mounting ---------------------------------------------------------------------------------

static int write_format(uint32_t area, uint32_t generation, uint32_t cursor) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    xn_log_format format;
    memset(&format, 0, sizeof(format));
    format.sequence = areas.sequence + 1u;
    format.kind = XN_LOG_FORMAT;
    format.major = XN_LOG_MAJOR;
    format.minor = XN_LOG_MINOR;
    memcpy(format.magic, XN_LOG_MAGIC, sizeof(format.magic));
    format.generation = generation;
    format.region_bytes = flash->size_bytes;
    format.sector_bytes = flash->sector_bytes;
    format.area_bytes = areas.area_bytes;
    format.cursor = cursor;
    format.crc = crc_of(&format);
    int status = program_slot(area, 0, &format);
    if (status == XN_OK) {
        areas.sequence = format.sequence;
        areas.generation = generation;
        areas.current = area;
    }
    return status;
}

// Reads an area's first record. 1: it is a log, 0: it is none, or an error.
static int read_format(uint32_t area, xn_log_format *format) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    int status = read_slot(area, 0, format);
    if (status != XN_OK) {
        return status;
    }
    if (memcmp(format->magic, XN_LOG_MAGIC, sizeof(format->magic)) != 0 ||
        format->crc != crc_of(format) || format->kind != XN_LOG_FORMAT) {
        return 0;
    }
    if (format->major != XN_LOG_MAJOR) {
        return xn_error_limit(XN_E_STORE, "format major", format->major, XN_LOG_MAJOR);
    }
    if (format->sector_bytes != flash->sector_bytes || format->area_bytes != areas.area_bytes ||
        format->region_bytes > flash->size_bytes) {
        return xn_error_limit(XN_E_STORE, "made for another flash: region of", format->region_bytes,
                              flash->size_bytes);
    }
    return 1;
}

// 1: *format and areas.current are the newer area; 0: no area holds a log.
static int choose_area(xn_log_format *format) {
    xn_log_format other;
    int first = read_format(0, format);
    int second = read_format(1, &other);
    if (first < 0 || second < 0) {
        return first < 0 ? first : second;
    }
    areas.current = 0;
    if (second == 1 && (first == 0 || other.generation > format->generation)) {
        areas.current = 1;
        *format = other;
    }
    return first | second;
}

// 1: *record is whole and of this area, 0: it is none. What cannot be read was cut off, too: flash
// with error correction may say so by an error.
static int look(uint32_t slot, xn_log_record *record) {
    if (read_slot(areas.current, slot, record) != XN_OK) {
        areas.next = slot + 1u > areas.next ? slot + 1u : areas.next;
        return 0;
    }
    if (xn_flash_is_blank((const uint8_t *)record, sizeof(*record))) {
        return 0;
    }
    areas.next = slot + 1u > areas.next ? slot + 1u : areas.next;
    return record->crc == crc_of(record) && record->generation == areas.generation;
}

static int apply_slot(uint32_t slot, xn_log_apply_fn *apply) {
    xn_log_record record;
    if (look(slot, &record) == 0) {
        return XN_OK; // power failed while it was written: it never was
    }
    if (record.sequence > areas.sequence) {
        areas.sequence = record.sequence;
    }
    return apply(&record, slot);
}

int xn_log_open(xn_log_format *format) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    areas.area_bytes = flash->size_bytes / flash->sector_bytes * AREA_BYTES_PER_SECTOR;
    areas.area_bytes = round_up(
        areas.area_bytes > AREA_BYTES_MIN ? areas.area_bytes : AREA_BYTES_MIN, flash->sector_bytes);
    areas.next = 1;
    areas.sequence = 0;
    if (flash->size_bytes / 2u <= areas.area_bytes) {
        return xn_error_limit(XN_E_STORE, "flash region is too small", flash->size_bytes,
                              2u * areas.area_bytes);
    }
    int found = choose_area(format);
    if (found == 0) {
        found = erase_area(0);
        if (found == XN_OK) {
            found = write_format(0, 1, 2u * areas.area_bytes);
        }
        if (found == XN_OK) {
            found = read_format(0, format);
        }
    }
    if (found < 0) {
        return found;
    }
    areas.sequence = format->sequence;
    areas.generation = format->generation;
    return XN_OK;
}

int xn_log_erase(void) {
    int status = xn_port_flash_erase(0);
    return status != XN_OK ? status : xn_port_flash_erase(areas.area_bytes);
}

int xn_log_replay(xn_log_apply_fn *apply) {
    for (uint32_t slot = 1; slot < slots(); slot++) {
        int status = apply_slot(slot, apply);
        if (status != XN_OK) {
            return status;
        }
    }
    return XN_OK;
}

// ---- Records ----------------------------------------------------------------------------------

bool xn_log_full(void) {
    return areas.next >= slots();
}

uint32_t xn_log_end(void) {
    return areas.next;
}

uint32_t xn_log_erasures(void) {
    return areas.generation;
}

int xn_log_look(uint32_t slot, xn_log_record *record) {
    return look(slot, record);
}

int xn_log_read(uint32_t slot, xn_log_record *record) {
    int status = read_slot(areas.current, slot, record);
    if (status == XN_OK && record->crc != crc_of(record)) {
        return xn_error_at(XN_E_FLASH, "record is damaged, slot", slot);
    }
    return status;
}

int xn_log_append(xn_log_record *record, uint32_t *slot) {
    record->sequence = areas.sequence + 1u;
    record->generation = areas.generation;
    record->crc = crc_of(record);
    int status = place_record(areas.current, &areas.next, record, slot);
    if (status == XN_OK) {
        areas.sequence = record->sequence;
    }
    return status;
}

// ---- Compaction -------------------------------------------------------------------------------

int xn_log_compact_begin(void) {
    areas.other_next = 1;
    return erase_area(areas.current ^ 1u);
}

int xn_log_compact_copy(xn_log_record *record, uint32_t *slot) {
    record->generation = areas.generation + 1u;
    record->crc = crc_of(record);
    return place_record(areas.current ^ 1u, &areas.other_next, record, slot);
}

int xn_log_compact_add(xn_log_record *record) {
    uint32_t slot;
    record->sequence = ++areas.sequence;
    return xn_log_compact_copy(record, &slot);
}

int xn_log_compact_finish(uint32_t cursor, uint32_t *sequence) {
    int status = write_format(areas.current ^ 1u, areas.generation + 1u, cursor);
    if (status == XN_OK) {
        areas.next = areas.other_next;
        *sequence = areas.sequence;
    }
    return status;
}

void xn_log_fill(xn_log_record *record, enum xn_log_kind kind, const xn_store_object *o) {
    memset(record, 0, sizeof(*record));
    record->kind = (uint8_t)kind;
    record->type = (uint16_t)o->type;
    memcpy(record->name, o->name, strlen(o->name));
    memcpy(record->sha256, o->sha256, sizeof(record->sha256));
    record->size = o->size;
    record->version = o->version;
}
