#include "store/xn_log.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_crc32.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "store/xn_flash.h"

// An area's size follows from the flash alone: it must be found though the other one is gone. Half
// of it is for objects, the rest for the erase counts of all sectors and for changes.
#define AREA_BYTES_MIN 16384u
#define AREA_BYTES_MAX 262144u
#define AREA_BYTES_PER_SECTOR 16u
#define REGION_PER_AREA 32u
#define OLD_MAJOR 2u // is read, and written again as XN_LOG_MAJOR

_Static_assert(AREA_BYTES_MIN / XN_STORE_AREA_PER_OBJECT + XN_STORE_EVENTS +
                       AREA_BYTES_MIN / AREA_BYTES_PER_SECTOR / XN_LOG_COUNTS + 14u <
                   AREA_BYTES_MIN / XN_LOG_RECORD,
               "compaction must free slots");
_Static_assert(offsetof(xn_log_wear, generation) == offsetof(xn_log_record, generation),
               "generation");
_Static_assert(offsetof(xn_log_trust, generation) == offsetof(xn_log_record, generation) &&
                   offsetof(xn_log_device, generation) == offsetof(xn_log_record, generation),
               "generation");

static const char damaged_format[] = "damaged FORMAT record at";

xn_log_report xn_log_now;

// What a slot is.
enum slot_state { BLANK, DAMAGED, WHOLE, MENDED };

static struct {
    uint32_t current; // area, 0 or 1
    uint32_t area_bytes;
    uint32_t end;             // slots below it are for records
    uint32_t next;            // slot of the next record
    uint32_t sequence;        // of the last record
    uint32_t format_sequence; // of the FORMAT record
    uint32_t records;         // that a compaction wrote before that
    uint32_t generation;      // of the area
    bool has_lost;            // this area has lost records
    struct {                  // the other area, while compacting
        uint32_t next, sequence, records;
    } other;
} areas;

static uint32_t slot_offset(uint32_t area, uint32_t slot) {
    return area * areas.area_bytes + slot * XN_LOG_RECORD;
}

static uint32_t last_slot(void) {
    return areas.area_bytes / XN_LOG_RECORD - 1u;
}

static uint32_t log_sector(void) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    return flash->log_bytes != 0 ? flash->log_sector_bytes : flash->sector_bytes;
}

static uint32_t crc_of(const void *record) {
    return xn_crc32((const uint8_t *)record + 4, XN_LOG_RECORD - 4u);
}

// ---- Slots ------------------------------------------------------------------------------------

// Puts a record right of which one bit is wrong: `miss`, by which its CRC is off, tells which.
static bool mend(uint8_t *record, uint32_t miss) {
    uint32_t effect = 0xEDB88320u; // of the last bit on the CRC
    for (uint32_t bit = XN_LOG_RECORD * 8u; bit-- > 0;) {
        if (miss == (bit < 32u ? 1u << bit : effect)) {
            record[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
            return true;
        }
        effect = effect >> 1 ^ (0xEDB88320u & -(effect & 1u));
    }
    return false;
}

// What cannot be read was cut off or has rotted, too: flash with error correction may say so by an
// error.
static enum slot_state read_slot(uint32_t offset, void *record) {
    uint32_t crc;
    if (xn_port_flash_read(offset, record, XN_LOG_RECORD) != XN_OK) {
        memset(record, 0, XN_LOG_RECORD);
        return DAMAGED;
    }
    if (xn_flash_is_blank(record, XN_LOG_RECORD)) {
        return BLANK;
    }
    memcpy(&crc, record, sizeof(crc));
    crc ^= crc_of(record);
    return crc == 0 ? WHOLE : mend(record, crc) ? MENDED : DAMAGED;
}

// An error counts only if the record is not there: what the next mount would find whole must hold
// from now on. If something else is there, the flash is to blame.
static int program_slot(uint32_t area, uint32_t slot, const void *record) {
    uint8_t seen[XN_LOG_RECORD];
    if (xn_flash_place(slot_offset(area, slot), record, XN_LOG_RECORD) == XN_OK) {
        return XN_OK;
    }
    bool there = read_slot(slot_offset(area, slot), seen) >= WHOLE &&
                 memcmp(seen, record, sizeof(seen)) == 0;
    return there ? XN_OK : xn_error_at(XN_E_FLASH, "log slot", slot);
}

// The slots of a sector that cannot be erased are passed over, one by one; without the first slot
// there is no area.
static int erase_area(uint32_t area) {
    uint32_t sector = log_sector();
    int status = xn_port_flash_erase(area * areas.area_bytes);
    for (uint32_t at = sector; at < areas.area_bytes && status == XN_OK; at += sector) {
        (void)xn_port_flash_erase(area * areas.area_bytes + at);
    }
    return status;
}

// Programs the record into the first slot from *next on that takes it.
static int place_record(uint32_t area, uint32_t *next, uint32_t end, void *record, uint32_t *slot) {
    int status = XN_E_FLASH;
    while (status != XN_OK && *next < end) {
        *slot = (*next)++; // spent, whatever comes of it
        status = program_slot(area, *slot, record);
    }
    return status;
}

// ---- FORMAT -----------------------------------------------------------------------------------

// Sets areas.area_bytes: as format 2.0 had it, or as it is since, on a flash whose sectors are
// alike.
static void size_areas(bool old) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    uint32_t bytes = AREA_BYTES_MIN;
    if (flash->log_bytes != 0) {
        areas.area_bytes = flash->log_bytes / 2u;
        return;
    }
    while (!old && bytes < AREA_BYTES_MAX && bytes <= flash->size_bytes / REGION_PER_AREA / 2u) {
        bytes *= 2u;
    }
    uint32_t least = flash->size_bytes / flash->sector_bytes * AREA_BYTES_PER_SECTOR;
    bytes = bytes < least ? least : bytes;
    areas.area_bytes = (bytes + flash->sector_bytes - 1u) & ~(flash->sector_bytes - 1u);
}

static void fill_format(xn_log_format *format, uint32_t sequence, uint32_t cursor) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    memset(format, 0, sizeof(*format));
    format->sequence = sequence;
    format->kind = XN_LOG_FORMAT;
    format->major = XN_LOG_MAJOR;
    format->minor = XN_LOG_MINOR;
    memcpy(format->magic, XN_LOG_MAGIC, sizeof(format->magic));
    format->generation = areas.generation + 1u;
    format->region_bytes = flash->size_bytes;
    format->sector_bytes = flash->sector_bytes;
    format->area_bytes = areas.area_bytes;
    format->cursor = cursor;
    format->records = areas.other.records;
    format->lost = xn_log_now.lost;
    memset(format->reserved, 0xFF, sizeof(format->reserved));
    format->crc = crc_of(format);
}

// Writes both, if they are not there; one is enough.
static int place_format(uint32_t area, const xn_log_format *format) {
    int first = program_slot(area, 0, format);
    int last = program_slot(area, last_slot(), format);
    if (first != XN_OK && last != XN_OK) {
        return first;
    }
    xn_log_now.formats = (first != XN_OK) + (last != XN_OK);
    return XN_OK;
}

// The area becomes the log.
static void take_area(uint32_t area, const xn_log_format *format) {
    areas.current = area;
    areas.sequence = areas.format_sequence = format->sequence;
    areas.generation = format->generation;
    areas.records = format->records;
    areas.end = last_slot() + (format->major == OLD_MAJOR);
}

static bool is_format(const xn_log_format *format) {
    return memcmp(format->magic, XN_LOG_MAGIC, sizeof(format->magic)) == 0 &&
           format->kind == XN_LOG_FORMAT;
}

// Whether an area that the record begins has the size that is looked for: 1, 0; or an error.
static int check_format(const xn_log_format *format, uint32_t other_bytes) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    if (format->major != XN_LOG_MAJOR && format->major != OLD_MAJOR) {
        return xn_error_limit(XN_E_STORE, "format major", format->major, XN_LOG_MAJOR);
    }
    if (format->sector_bytes != flash->sector_bytes || format->region_bytes > flash->size_bytes ||
        (format->area_bytes != areas.area_bytes && format->area_bytes != other_bytes)) {
        return xn_error_limit(XN_E_STORE, "made for another flash: region of", format->region_bytes,
                              flash->size_bytes);
    }
    return format->area_bytes == areas.area_bytes;
}

// Reads an area's FORMAT record, the newer of two that differ. 1: it is a log, 0: it is none, or an
// error.
static int read_format(uint32_t area, uint32_t other_bytes, xn_log_format *format) {
    xn_log_format seen;
    int found = 0;
    for (uint32_t slot = 0; slot <= last_slot(); slot += last_slot()) {
        if (read_slot(slot_offset(area, slot), &seen) < WHOLE || !is_format(&seen)) {
            continue;
        }
        int fits = check_format(&seen, other_bytes);
        if (fits < 0) {
            return fits;
        }
        if (fits == 1 && (found == 0 || seen.generation > format->generation)) {
            *format = seen;
            found = 1;
        }
    }
    return found;
}

// An area without a FORMAT record was never completed, or is the newer one and has lost them.
static int check_incomplete(uint32_t area, uint32_t generation) {
    xn_log_record record;
    if (read_slot(slot_offset(area, 0), &record) == BLANK ||
        read_slot(slot_offset(area, last_slot()), &record) == BLANK) {
        return XN_OK;
    }
    for (uint32_t slot = 1; slot < last_slot(); slot++) {
        if (read_slot(slot_offset(area, slot), &record) >= WHOLE) {
            return record.generation > generation
                       ? xn_error_at(XN_E_STORE, damaged_format, slot_offset(area, 0))
                       : XN_OK;
        }
    }
    return XN_OK;
}

// 1: *format and `area` are the newer area; 0: no area holds a log.
static int choose_area(uint32_t other_bytes, xn_log_format *format, uint32_t *area) {
    xn_log_format second;
    int found = read_format(0, other_bytes, format);
    int also = found < 0 ? found : read_format(1, other_bytes, &second);
    if (also < 0) {
        return also;
    }
    *area = also == 1 && (found == 0 || second.generation > format->generation);
    *format = *area == 1 ? second : *format;
    if (found + also == 1) {
        int status = check_incomplete(*area ^ 1u, format->generation);
        return status < 0 ? status : 1;
    }
    return found;
}

// Areas of format 2.0 are looked for first: those of today would begin among its objects. Only
// the record at offset 0 knows better.
static int find_log(xn_log_format *format, uint32_t *area) {
    size_areas(true);
    uint32_t old = areas.area_bytes;
    size_areas(false);
    uint32_t bytes = areas.area_bytes;
    bool known = read_slot(0, format) >= WHOLE && is_format(format) && format->area_bytes == bytes;
    int found = 0;
    if (!known && old != bytes) {
        areas.area_bytes = old;
        found = choose_area(bytes, format, area);
    }
    if (found == 0) {
        areas.area_bytes = bytes;
        found = choose_area(old, format, area);
    }
    return found;
}

// ---- The first format -------------------------------------------------------------------------

// Whether what a slot holds is a part of the record, as a cut leaves it.
static bool is_part(const uint8_t *seen, const xn_log_format *of) {
    uint32_t missing = 0;
    for (uint32_t i = 0; i < XN_LOG_RECORD; i++) {
        missing |= (uint32_t)~seen[i] & ((const uint8_t *)of)[i];
    }
    return missing == 0;
}

// 0: the flash is blank; 1: but for a first FORMAT record in area A that was cut off, and whatever
// the next attempt left in area B. Anything else is not ours, or damaged.
static int check_blank(const xn_log_format *first) {
    union {
        uint8_t bytes[XN_LOG_RECORD];
        xn_log_format format;
    } seen;
    int cut = 0;
    for (uint32_t at = 0; at < first->region_bytes; at += XN_LOG_RECORD) {
        int status = xn_port_flash_read(at, seen.bytes, sizeof(seen));
        if (status == XN_OK && xn_flash_is_blank(seen.bytes, sizeof(seen))) {
            continue;
        }
        bool in_format = at == 0 || at == slot_offset(0, last_slot());
        if (in_format && (status != XN_OK || is_part(seen.bytes, first))) {
            cut = 1;
        } else if (cut == 0 || at < slot_offset(1, 0) || at >= slot_offset(2, 0)) {
            bool ours = cut == 1 || is_format(&seen.format);
            const char *what = ours ? damaged_format : "bytes of no store at";
            return status != XN_OK ? status : xn_error_at(XN_E_STORE, what, cut == 1 ? 0 : at);
        }
    }
    return cut;
}

static int format_blank(xn_log_format *format, uint32_t *area) {
    fill_format(format, 1, slot_offset(2, 0));
    int cut = check_blank(format);
    int status = cut == 1 ? erase_area(1) : cut;
    *area = (uint32_t)cut;
    return status == XN_OK ? place_format(*area, format) : status;
}

// Nothing is known yet but the size of the areas; an error: the board's flash can hold no store.
static int begin(void) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    memset(&areas, 0, sizeof(areas));
    memset(&xn_log_now, 0, sizeof(xn_log_now));
    int fits = xn_flash_check();
    if (fits != XN_OK) {
        return fits;
    }
    size_areas(false);
    if (flash->size_bytes / 2u <= areas.area_bytes) {
        return xn_error_limit(XN_E_STORE, "flash region is too small", flash->size_bytes,
                              2u * areas.area_bytes);
    }
    uint32_t least = flash->size_bytes / flash->sector_bytes * AREA_BYTES_PER_SECTOR;
    least = least > AREA_BYTES_MIN ? least : AREA_BYTES_MIN;
    if (areas.area_bytes < least || areas.area_bytes % log_sector() != 0) {
        return xn_error_limit(XN_E_STORE, "board's log area is no whole sectors, or too small:",
                              areas.area_bytes, least);
    }
    // A host looks for FORMAT records as far as areas of sectors that are alike would reach.
    uint32_t most = flash->sector_bytes > AREA_BYTES_MIN ? flash->sector_bytes : AREA_BYTES_MIN;
    return flash->log_bytes == 0 || areas.area_bytes <= most
               ? XN_OK
               : xn_error_limit(XN_E_STORE, "board's log area is too large:", areas.area_bytes,
                                most);
}

int xn_log_restart(void) {
    xn_log_format format;
    int fits = begin();
    if (fits != XN_OK) {
        return fits;
    }
    fill_format(&format, 1, slot_offset(2, 0));
    int status = erase_area(0);
    if (status == XN_OK) {
        status = erase_area(1);
    }
    return status == XN_OK ? place_format(0, &format) : status;
}

// ---- Mounting ---------------------------------------------------------------------------------

int xn_log_open(xn_log_format *format) {
    uint32_t area = 0;
    int fits = begin();
    if (fits != XN_OK) {
        return fits;
    }
    int found = find_log(format, &area);
    if (found == 1 && format->major == XN_LOG_MAJOR) {
        (void)place_format(area, format); // power may have failed between the two
    }
    if (found == 0) {
        found = format_blank(format, &area);
    }
    if (found < 0) {
        return found;
    }
    take_area(area, format);
    areas.next = 1;
    xn_log_now.lost = format->lost;
    return XN_OK;
}

static enum slot_state look(uint32_t slot, xn_log_record *record) {
    enum slot_state is = read_slot(slot_offset(areas.current, slot), record);
    if (is != BLANK && slot >= areas.next) {
        areas.next = slot + 1u;
    }
    return is >= WHOLE && record->generation != areas.generation ? BLANK : is;
}

// Numbers that are missing belong to records that were written and cannot be read any more. False:
// the record is left from an attempt that failed, another one has its number.
static bool count_record(const xn_log_record *record, uint32_t *copies) {
    if (record->sequence < areas.format_sequence) {
        (*copies)++;
    } else if (record->sequence <= areas.sequence) {
        return false;
    } else {
        xn_log_now.lost += record->sequence - areas.sequence - 1u;
        areas.sequence = record->sequence;
    }
    xn_log_now.unclear = 0;
    return true;
}

int xn_log_replay(xn_log_apply_fn *apply) {
    uint32_t before = xn_log_now.lost;
    uint32_t copies = 0;
    int status = XN_OK;
    for (uint32_t slot = 1; slot < areas.end && status == XN_OK; slot++) {
        xn_log_record record;
        enum slot_state is = look(slot, &record);
        if (is == DAMAGED) {
            xn_log_now.unclear = 1;
        } else if (is != BLANK && count_record(&record, &copies)) {
            xn_log_now.mended += is == MENDED;
            status = apply(&record, slot);
        }
    }
    xn_log_now.lost += areas.records > copies ? areas.records - copies : 0;
    areas.has_lost = xn_log_now.lost != before;
    return status;
}

// ---- Records ----------------------------------------------------------------------------------

bool xn_log_full(void) {
    return areas.next >= areas.end;
}

uint32_t xn_log_end(void) {
    return areas.next;
}

uint32_t xn_log_erasures(void) {
    return areas.generation;
}

#if XN_LOCKABLE

uint32_t xn_log_next_sequence(void) {
    return areas.sequence + 1u;
}

#endif

bool xn_log_is_name(const char *name) {
    uint32_t n = 0;
    while (n < XN_STORE_NAME_MAX && name[n] >= ' ' && name[n] <= '~') {
        n++;
    }
    for (uint32_t i = n; i <= XN_STORE_NAME_MAX; i++) {
        if (name[i] != 0) {
            return false;
        }
    }
    return n > 0;
}

// Makes an EVENT of what is left of a record: the name, if its bytes or the record before say it.
static void describe_lost(uint32_t slot, xn_log_record *record) {
    xn_log_record before;
    if (!xn_log_is_name(record->name)) {
        bool named = read_slot(slot_offset(areas.current, slot - 1u), &before) >= WHOLE &&
                     (before.kind == XN_LOG_BEGIN || before.kind == XN_LOG_EVENT);
        memset(record->name, 0, sizeof(record->name));
        if (named) {
            memcpy(record->name, before.name, sizeof(record->name));
        }
    }
    memset(record, 0, offsetof(xn_log_record, name));
    memset(record->sha256, 0, sizeof(*record) - offsetof(xn_log_record, sha256));
    record->kind = XN_LOG_EVENT;
    record->flags = XN_LOG_SKIPPABLE;
    record->type = XN_LOG_LOST;
}

int xn_log_look(uint32_t slot, xn_log_record *record) {
    enum slot_state is = look(slot, record);
    bool last = xn_log_now.unclear != 0 && slot + 1u == areas.next;
    if (is == DAMAGED && (areas.has_lost || last)) {
        describe_lost(slot, record);
        return 1;
    }
    return is >= WHOLE;
}

#if XN_LOCKABLE

// Whether a slot may hold the secret of a device key. One that cannot be read any more may, within
// the log, unless it has a name there; elsewhere only if its head is that of such a record.
static bool has_secret(uint32_t offset, bool in_log) {
    xn_log_record raw;
    xn_log_record record;
    enum slot_state is = read_slot(offset, &record);
    if (is != DAMAGED) {
        return is >= WHOLE && record.kind == XN_LOG_DEVICE;
    }
    if (xn_port_flash_read(offset, &raw, sizeof(raw)) != XN_OK) {
        return true;
    }
    bool has_head = raw.kind == XN_LOG_DEVICE && raw.flags == XN_LOG_SKIPPABLE && raw.type == 0;
    return has_head || (in_log && !xn_log_is_name(raw.name));
}

int xn_log_read_raw(uint32_t offset, uint8_t *to, uint32_t n, bool mounted) {
    uint32_t from = offsetof(xn_log_device, seed);
    int status = xn_port_flash_read(offset, to, n);
    for (uint32_t slot = offset & ~(XN_LOG_RECORD - 1u); slot < offset + n && status == XN_OK;
         slot += XN_LOG_RECORD) {
        if (has_secret(slot, mounted && slot < slot_offset(2, 0))) {
            for (uint32_t i = slot + from; i < slot + from + 32u; i++) {
                if (i >= offset && i - offset < n) {
                    to[i - offset] = 0;
                }
            }
        }
    }
    return status;
}

#endif

int xn_log_read(uint32_t slot, xn_log_record *record) {
    bool whole = read_slot(slot_offset(areas.current, slot), record) >= WHOLE;
    return whole ? XN_OK : xn_error_at(XN_E_FLASH, "record is damaged, slot", slot);
}

int xn_log_append(xn_log_record *record, uint32_t *slot) {
    record->sequence = areas.sequence + 1u;
    record->generation = areas.generation;
    record->crc = crc_of(record);
    int status = place_record(areas.current, &areas.next, areas.end, record, slot);
    if (status == XN_OK) {
        areas.sequence = record->sequence;
    }
    return status;
}

// ---- Compaction -------------------------------------------------------------------------------

int xn_log_compact_begin(void) {
    areas.other.next = 1;
    areas.other.records = 0;
    areas.other.sequence = areas.sequence;
    return erase_area(areas.current ^ 1u);
}

int xn_log_compact_copy(xn_log_record *record, uint32_t *slot) {
    record->generation = areas.generation + 1u;
    record->crc = crc_of(record);
    areas.other.records++;
    return place_record(areas.current ^ 1u, &areas.other.next, last_slot(), record, slot);
}

int xn_log_compact_add(xn_log_record *record) {
    uint32_t slot;
    record->sequence = ++areas.other.sequence;
    return xn_log_compact_copy(record, &slot);
}

int xn_log_compact_finish(uint32_t cursor, uint32_t *sequence) {
    xn_log_format format;
    fill_format(&format, areas.other.sequence + 1u, cursor);
    int status = place_format(areas.current ^ 1u, &format);
    if (status == XN_OK) {
        take_area(areas.current ^ 1u, &format);
        areas.next = areas.other.next;
        areas.has_lost = false;
        xn_log_now.unclear = xn_log_now.mended = 0;
        *sequence = format.sequence;
    }
    return status;
}

// ---- Growth -----------------------------------------------------------------------------------

bool xn_log_grow_begin(xn_log_growth *growth) {
    growth->area = areas.current;
    growth->area_bytes = areas.area_bytes;
    size_areas(false);
    growth->moved = 2u * (areas.area_bytes - growth->area_bytes);
    if (areas.area_bytes < 2u * growth->area_bytes) { // it would not lie behind the old ones
        areas.area_bytes = growth->area_bytes;
        return false;
    }
    areas.current = 0; // the new area is the other one
    return true;
}

// The older area first, for it must not come back. The other one is empty: nothing is lost as long
// as one of its FORMAT records is there.
void xn_log_grow_finish(const xn_log_growth *growth) {
    xn_log_format seen;
    uint32_t sector = log_sector();
    areas.area_bytes = growth->area_bytes;
    int status = erase_area(growth->area ^ 1u);
    if (status == XN_OK && read_format(growth->area ^ 1u, growth->area_bytes, &seen) == 0) {
        status = xn_port_flash_erase(slot_offset(growth->area, last_slot()) & ~(sector - 1u));
        if (status == XN_OK) {
            (void)xn_port_flash_erase(slot_offset(growth->area, 0));
        }
    }
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
