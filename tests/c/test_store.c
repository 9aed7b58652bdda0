// The store on flash that fails: every flash operation of every kind of change goes wrong, in every
// way; what comes up must be the state before or the state after, whole.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "base/xn_crc32.h"
#include "base/xn_error.h"
#include "base/xn_sha256.h"
#include "store/xn_extent.h"
#include "store/xn_index.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"
#include "store/xn_wear.h"

static uint32_t sector; // of the flash under test
static uint32_t some;   // bytes: a sector, or part of a large one

static uint32_t area_bytes(void) {
    return xn_index_now.data_start / 2u;
}

// ---- Objects with known bytes -----------------------------------------------------------------

static uint8_t content(uint32_t seed, uint32_t i) {
    return (uint8_t)((seed * 2654435761u + i * 40503u) >> 11);
}

static void fill(uint8_t *to, uint32_t seed, uint32_t offset, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        to[i] = content(seed, offset + i);
    }
}

static xn_store_object wanted(const char *name, uint32_t size, uint32_t seed) {
    xn_store_object o;
    xn_sha256 h;
    uint8_t piece[256];
    memset(&o, 0, sizeof(o));
    strcpy(o.name, name);
    o.type = XN_STORE_DATA;
    o.size = size;
    xn_sha256_begin(&h);
    for (uint32_t at = 0; at < size; at += 256) {
        uint32_t n = size - at < 256 ? size - at : 256;
        fill(piece, seed, at, n);
        xn_sha256_add(&h, piece, n);
    }
    xn_sha256_end(&h, o.sha256);
    return o;
}

// Uploads the pieces last to first: their order must not matter.
static int write_pieces(uint32_t size, uint32_t seed) {
    uint8_t piece[256];
    for (uint32_t i = (size + 255) / 256; i-- > 0;) {
        uint32_t n = size - i * 256 < 256 ? size - i * 256 : 256;
        fill(piece, seed, i * 256, n);
        int status = xn_upload_write(i * 256, piece, n);
        if (status != XN_OK) {
            return status;
        }
    }
    return XN_OK;
}

static int install(const char *name, uint32_t size, uint32_t seed, bool activate) {
    xn_store_object o = wanted(name, size, seed);
    bool have, resumed;
    int status = xn_upload_begin(&o, &have, &resumed);
    if (status == XN_OK && !have) {
        status = write_pieces(size, seed);
    }
    if (status == XN_OK) {
        status = xn_upload_verify(&o);
    }
    return status == XN_OK ? xn_upload_commit(activate, 0, 0) : status;
}

// ---- The visible state: names, versions, hashes, which is active; the bytes are checked -------

typedef struct state {
    uint8_t digest[32];
} state;

static state look(void) {
    xn_sha256 all;
    xn_store_object o;
    uint32_t cursor = 0;
    uint8_t seen[32];
    state s;
    uint32_t sum[8] = {0};
    int more;
    while ((more = xn_store_next(&cursor, &o)) == 1) {
        xn_sha256_begin(&all);
        xn_sha256_add(&all, xn_store_map(&o), o.size);
        xn_sha256_end(&all, seen);
        CHECK(memcmp(seen, o.sha256, 32) == 0);
        xn_sha256_begin(&all);
        xn_sha256_add(&all, o.name, sizeof(o.name));
        xn_sha256_add(&all, &o.version, sizeof(o.version));
        xn_sha256_add(&all, o.sha256, 32);
        xn_sha256_end(&all, seen);
        for (int i = 0; i < 8; i++) { // the order does not count
            uint32_t word;
            memcpy(&word, seen + 4 * i, 4);
            sum[i] += word;
        }
    }
    CHECK(more == 0);
    xn_sha256_begin(&all);
    xn_sha256_add(&all, sum, sizeof(sum));
    xn_sha256_add(&all, xn_store_active(), (uint32_t)strlen(xn_store_active()));
    xn_sha256_end(&all, s.digest);
    return s;
}

static bool same(state a, state b) {
    return memcmp(a.digest, b.digest, sizeof(a.digest)) == 0;
}

static state remount(void) {
    CHECK(xn_store_mount() == XN_OK);
    return look();
}

// ---- Power cuts -------------------------------------------------------------------------------

typedef int change_fn(void);

static struct {
    uint8_t *bytes;
    uint8_t *programmed;
} saved;

static void save(void) {
    uint32_t n = xn_host.flash.size_bytes;
    free(saved.bytes);
    free(saved.programmed);
    saved.bytes = malloc(n);
    saved.programmed = malloc(n / xn_host.flash.program_bytes);
    memcpy(saved.bytes, xn_host.bytes, n);
    memcpy(saved.programmed, xn_host.programmed, n / xn_host.flash.program_bytes);
}

static void restore(void) {
    uint32_t n = xn_host.flash.size_bytes;
    memcpy(xn_host.bytes, saved.bytes, n);
    memcpy(xn_host.programmed, saved.programmed, n / xn_host.flash.program_bytes);
    xn_host.operations = xn_host.cut_at = 0;
}

// What follows a cut must work: a repetition of the change, and something else.
static void go_on(change_fn *change, state after) {
    CHECK(change() == XN_OK);
    CHECK(same(look(), after) && same(remount(), after));
    CHECK(install("later", 2 * some, 99, false) == XN_OK);
    CHECK(xn_store_remove("later") == XN_OK);
    CHECK(same(look(), after) && same(remount(), after));
}

static void cut_once(change_fn *change, uint32_t at, enum xn_host_cut mode, state before,
                     state after) {
    restore();
    CHECK(same(remount(), before));
    xn_host.operations = 0;
    xn_host.cut_at = at;
    xn_host.cut_mode = mode;
    if (setjmp(xn_host.cut) == 0) {
        int status = change();
        CHECK(mode >= XN_HOST_CUTS); // a power cut does not come back
        CHECK(same(look(), status == XN_OK ? after : before));
    }
    xn_host.cut_at = 0;
    state now = mode >= XN_HOST_CUTS ? look() : remount();
    CHECK(same(now, before) || same(now, after));
    if (same(now, before)) {
        go_on(change, after); // after an error: without a remount
    } else {
        CHECK(same(now, remount()));
    }
}

static void cut_everywhere(const char *what, change_fn *change) {
    save();
    state before = remount();
    xn_host.operations = 0;
    CHECK(change() == XN_OK);
    uint32_t operations = xn_host.operations;
    state after = look();
    CHECK(!same(before, after) && same(remount(), after));
    uint32_t stride = operations / 30 + 1; // among the many programs of the bytes themselves
    for (uint32_t at = 1; at <= operations;
         at += at < 8 || at + 8 + stride > operations ? 1 : stride) {
        for (int mode = 0; mode < XN_HOST_CUT_MODES; mode++) {
            cut_once(change, at, (enum xn_host_cut)mode, before, after);
        }
    }
    restore();
    CHECK(same(remount(), before));
    CHECK(change() == XN_OK && same(look(), after));
    printf("%s: %u operations\n", what, (unsigned)operations);
}

// ---- Changes ----------------------------------------------------------------------------------

static int install_new(void) {
    return install("new", 2 * some + 300, 1, false);
}

static int replace(void) {
    return install("new", some + 7, 2, false);
}

static int replace_and_activate(void) {
    return install("new", some + 500, 3, true);
}

static int install_the_same_bytes(void) {
    return install("twin", some + 500, 3, false);
}

static int activate(void) {
    return xn_store_activate("keep", 0, 0);
}

static int remove_active(void) {
    return xn_store_remove("keep");
}

static int remove_one_of_twins(void) {
    return xn_store_remove("new");
}

// Fills the log until one more record needs a compaction, which is a change of the areas' heads.
static void fill_log(void) {
    uint32_t other = area_bytes();
    uint8_t heads[2][128];
    uint32_t turns = 0;
    bool compacted = false;
    save();
    while (!compacted) {
        memcpy(heads[0], xn_host.bytes, 128);
        memcpy(heads[1], xn_host.bytes + other, 128);
        CHECK(xn_store_activate(turns++ % 2 == 0 ? "keep" : "new", 0, 0) == XN_OK && turns < 2000);
        compacted = memcmp(heads[0], xn_host.bytes, 128) != 0 ||
                    memcmp(heads[1], xn_host.bytes + other, 128) != 0;
    }
    restore();
    CHECK(xn_store_mount() == XN_OK);
    for (uint32_t i = 0; i + 1 < turns; i++) {
        CHECK(xn_store_activate(i % 2 == 0 ? "keep" : "new", 0, 0) == XN_OK);
    }
}

static void test_cuts(void) {
    CHECK(xn_store_mount() == XN_OK);
    CHECK(install("keep", 700, 10, true) == XN_OK);
    CHECK(install("also", some, 11, false) == XN_OK);
    cut_everywhere("install", install_new);
    cut_everywhere("replace", replace);
    cut_everywhere("replace and activate", replace_and_activate);
    cut_everywhere("same bytes, another name", install_the_same_bytes);
    cut_everywhere("activate", activate);
    fill_log();
    cut_everywhere("install with compaction", install_new);
    fill_log();
    cut_everywhere("remove with compaction", remove_one_of_twins);
    cut_everywhere("remove", remove_active);
    CHECK(xn_store_active()[0] == 0);
}

// A store that fills up evicts old versions, by records, before it erases.
static uint32_t evict_seed;

static int replace_big(void) {
    return install("big", evict_seed, evict_seed, false);
}

static void test_eviction(void) {
    uint32_t room;
    CHECK(xn_store_mount() == XN_OK);
    CHECK(install("keep", 700, 10, true) == XN_OK);
    room = xn_store_free_bytes();
    for (uint32_t i = 0; i < 6; i++) { // each takes more than a quarter of the room
        evict_seed = (room / 4 / sector + 1) * sector - 10 + i;
        CHECK(install("big", evict_seed, evict_seed, false) == XN_OK);
    }
    evict_seed++;
    cut_everywhere("replace with eviction", replace_big);
    CHECK(install("huge", room, 5, false) == XN_E_NO_SPACE);
}

// ---- Refusals and limits ----------------------------------------------------------------------

static void test_refusals(void) {
    xn_store_object o = wanted("x", 1000, 1);
    uint8_t piece[512];
    bool have, resumed;
    memset(piece, 0, sizeof(piece));
    CHECK(xn_store_mount() == XN_OK);
    CHECK(xn_upload_write(0, piece, 256) == XN_E_SESSION);
    CHECK(xn_upload_verify(&o) == XN_E_SESSION && xn_upload_commit(false, 0, 0) == XN_E_SESSION);
    CHECK(xn_store_find("x", &o) == XN_E_NOT_FOUND && xn_store_remove("x") == XN_E_NOT_FOUND);
    CHECK(xn_store_activate("x", 0, 0) == XN_E_NOT_FOUND);
    o = wanted("x", 1000, 1);
    o.name[0] = '\n';
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_E_NAME);
    o.name[0] = 0;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_E_NAME);
    memset(o.name, 'x', XN_STORE_NAME_MAX);
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK && !have);
    o.type = 9;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_E_TYPE);
    o.type = XN_STORE_DATA;
    o.size = 0;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_E_RANGE);
    o.size = 0xFFFFFFFF;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_E_NO_SPACE);
    o.size = 1000;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK && !have);
    CHECK(xn_upload_write(100, piece, 256) == XN_E_RANGE);
    CHECK(xn_upload_write(0, piece, 255) == XN_E_RANGE);
    CHECK(xn_upload_write(0, piece, 0) == XN_E_RANGE);
    CHECK(xn_upload_write(768, piece, 256) == XN_E_RANGE);
    CHECK(xn_upload_write(0xFFFFFF00, piece, 512) == XN_E_RANGE);
    CHECK(xn_upload_write(768, piece, 232) == XN_OK);
    CHECK(xn_upload_write(768, piece, 232) == XN_OK); // the same again
    piece[3] = 0xFF;
    CHECK(xn_upload_write(768, piece, 232) == XN_E_OCCUPIED); // another: would need an erase
    CHECK(xn_upload_verify(&o) == XN_E_HASH && xn_upload_commit(false, 0, 0) == XN_E_SESSION);
}

static void test_have_of_damaged_bytes(void) {
    xn_store_object o = wanted("x", 1000, 1);
    bool have, resumed;
    CHECK(xn_store_mount() == XN_OK && install("x", 1000, 1, false) == XN_OK);
    CHECK(xn_store_find("x", &o) == XN_OK);
    xn_host.bytes[o.offset + 5] ^= 1;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK && have);
    CHECK(xn_upload_verify(&o) == XN_E_HASH);
    CHECK(install("x", 1000, 1, false) == XN_OK); // sent again, to another place
    CHECK(xn_store_find("x", &o) == XN_OK && o.version == 2);
    remount();
}

static void test_table_full(void) {
    char name[16];
    CHECK(xn_store_mount() == XN_OK);
    for (uint32_t i = 0; i < xn_index_now.capacity; i++) {
        snprintf(name, sizeof(name), "n%u", (unsigned)i);
        CHECK(install(name, 10, i, false) == XN_OK);
    }
    CHECK(install("more", 10, 1000, false) == XN_E_NO_SPACE);
    for (uint32_t i = 0; i < 150; i++) { // a new version still fits, also through compactions
        CHECK(install("n3", 10, 2000 + i, i % 7 == 0) == XN_OK);
    }
    state now = look();
    CHECK(same(remount(), now));
    CHECK(xn_store_remove("n4") == XN_OK && install("more", 10, 1000, false) == XN_OK);
    CHECK(strcmp(xn_store_active(), "n3") == 0);
}

static bool all_in_use(const uint8_t *at, uint32_t n) {
    return at < xn_host.bytes + xn_host.flash.size_bytes && n > 0;
}

static void test_in_use(void) {
    CHECK(xn_store_mount() == XN_OK && install("x", 10, 1, false) == XN_OK);
    CHECK(xn_store_remove("x") == XN_OK);
    xn_extent_in_use = all_in_use;
    CHECK(install("y", 10, 2, false) == XN_E_NO_SPACE);
    xn_extent_in_use = NULL;
    CHECK(install("y", 10, 2, false) == XN_OK);
}

// Uploads go round the flash: no sector is erased much more often than another.
static void test_wear(void) {
    uint32_t first = 0;
    uint32_t returns = 0;
    xn_store_object o;
    CHECK(xn_store_mount() == XN_OK);
    for (uint32_t i = 0; i < 60; i++) {
        CHECK(install("w", 3 * sector, i, false) == XN_OK);
        CHECK(xn_store_find("w", &o) == XN_OK && o.version == i + 1);
        first = i == 0 ? o.offset : first;
        returns += o.offset == first;
        if (i % 11 == 0) {
            remount();
        }
    }
    uint32_t data = xn_host.flash.size_bytes - 2 * area_bytes();
    CHECK(returns <= 60 / (data / (3 * sector)) + 2);
}

// ---- What is no store, or a damaged one -------------------------------------------------------

#define SLOT 128u

static uint8_t *slot_at(uint32_t slot) {
    return xn_host.bytes + slot * SLOT;
}

static void put_crc(uint8_t *record) {
    uint32_t crc = xn_crc32(record + 4, SLOT - 4u);
    memcpy(record, &crc, 4);
}

// Nothing works but format, all of it says why, and no byte of the flash changes.
static void check_refused(const char *why) {
    uint32_t n = xn_host.flash.size_bytes;
    uint8_t *before = malloc(n);
    char text[XN_ERROR_TEXT_MAX];
    xn_store_object o = wanted("x", 10, 1);
    uint32_t cursor = 0;
    bool have, resumed;
    memcpy(before, xn_host.bytes, n);
    CHECK(xn_store_mount() == XN_E_STORE);
    int status[] = {xn_store_next(&cursor, &o), xn_upload_begin(&o, &have, &resumed),
                    xn_store_remove("x"), xn_store_find("x", &o), xn_store_status()};
    for (uint32_t i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
        CHECK(status[i] == XN_E_STORE);
    }
    xn_error_text(XN_E_STORE, text);
    CHECK(strstr(text, why) != NULL);
    CHECK(xn_store_free_bytes() == 0 && xn_store_active()[0] == 0);
    CHECK(memcmp(before, xn_host.bytes, n) == 0);
    free(before);
}

static void fill_flash(uint32_t from, uint32_t to, uint32_t seed) {
    for (uint32_t i = from; i < to; i++) {
        xn_host.bytes[i] = seed == 0 ? 0 : content(seed, i);
        xn_host.programmed[i / xn_host.flash.program_bytes] = 1;
    }
}

static void test_foreign_flash(void) {
    uint32_t n = xn_host.flash.size_bytes;
    const uint32_t spans[][3] = {{0, n, 7}, {0, n, 0}, {n - 1, n, 0}, {n / 2, n, 9}, {70, 75, 3}};
    for (uint32_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        memset(xn_host.bytes, 0xFF, n);
        memset(xn_host.programmed, 0, n / xn_host.flash.program_bytes);
        fill_flash(spans[i][0], spans[i][1], spans[i][2]);
        check_refused("bytes of no store at");
        CHECK(xn_store_format() == XN_OK && xn_store_status() == XN_OK);
        CHECK(install("x", 2 * some, 1, false) == XN_OK);
        remount();
    }
}

static void test_newer_format(void) {
    CHECK(xn_store_mount() == XN_OK);
    xn_host.bytes[10] = 4; // major
    put_crc(xn_host.bytes);
    check_refused("format major 4, limit 3");
}

// A store with some objects, at the second format of its areas.
static state build(void) {
    CHECK(xn_store_mount() == XN_OK);
    CHECK(install("keep", 700, 10, true) == XN_OK && install("also", some, 11, false) == XN_OK);
    CHECK(install("net", 900, 12, false) == XN_OK && install("last", 30, 13, false) == XN_OK);
    save();
    return remount();
}

static void test_format_records(void) {
    state whole = build();
    uint32_t copy = area_bytes() / SLOT - 1;
    CHECK(memcmp(slot_at(0), slot_at(copy), SLOT) == 0 && xn_log_now.formats == 0);
    for (uint32_t i = 0; i < SLOT; i++) {
        for (uint32_t which = 0; which < 3; which++) {
            restore();
            slot_at(which == 1 ? copy : 0)[i] ^= which == 2 ? 1u << i % 8u : 0x5Au;
            CHECK(same(remount(), whole) && xn_log_now.formats == (which < 2) &&
                  xn_store_lost() == 0);
        }
        restore();
        slot_at(0)[i] ^= 0x5A;
        slot_at(copy)[(i + 1) % SLOT] ^= 0x5A;
        check_refused(" at 0");
    }
    restore();
    slot_at(0)[100] ^= 0x5A;
    CHECK(same(remount(), whole));
    CHECK(xn_index_compact(false) == XN_OK && xn_log_now.formats == 0); // mended
    CHECK(same(remount(), whole) && xn_log_now.formats == 0);
    memset(xn_host.bytes + area_bytes(), 0x11, SLOT); // the newer area's FORMAT records
    memset(xn_host.bytes + 2 * area_bytes() - SLOT, 0x11, SLOT);
    check_refused("damaged FORMAT record at"); // and not what the older one knows
}

// How many records that were lost tell a name.
static uint32_t named_lost(const char *name) {
    xn_store_object o;
    enum xn_store_state as;
    uint32_t count = 0;
    for (uint32_t cursor = 0; xn_store_held(&cursor, &o, &as) == 1;) {
        count += as == XN_STORE_LOST && strcmp(o.name, name) == 0;
    }
    return count;
}

static uint32_t told_lost(const char *name) {
    xn_log_record record;
    uint32_t count = 0;
    for (uint32_t slot = 1; slot < xn_log_end(); slot++) {
        count += xn_log_look(slot, &record) == 1 && record.type == XN_LOG_LOST &&
                 xn_index_is_event(&record) && strcmp(record.name, name) == 0;
    }
    return count;
}

static void test_rotten_records(void) {
    static const char *const names[] = {"keep", "also", "net", "last"};
    state whole = build();
    uint32_t end = xn_log_end();
    CHECK(end == 1 + 2 * 4);                                        // BEGIN and OBJECT of each
    for (uint32_t bit = SLOT * 8; bit < end * SLOT * 8; bit += 7) { // one bit
        restore();
        xn_host.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        CHECK(same(remount(), whole) && xn_log_now.mended == 1 && xn_store_lost() == 0);
    }
    for (uint32_t slot = 1; slot < end; slot++) {
        for (uint32_t i = 0; i < SLOT; i += 3) { // several
            const char *name = names[(slot - 1) / 2];
            bool last = slot + 1 == end;
            restore();
            slot_at(slot)[i] ^= 0x5A;
            state now = remount();
            CHECK(xn_store_lost() == (last ? 0 : 1) && xn_log_now.unclear == (last ? 1 : 0));
            bool in_name = i >= 12 && i < 52;
            CHECK(in_name || named_lost(name) == 1);
            CHECK(same(now, whole) == (slot % 2 == 1)); // a BEGIN, or an OBJECT
            CHECK(xn_index_compact(false) == XN_OK);
            remount();
            CHECK(xn_store_lost() == (last ? 0 : 1) && xn_log_now.unclear == 0);
            CHECK(last || in_name || told_lost(name) == 1);
        }
    }
    restore();
    memset(slot_at(4) + 12, 0xA5, 40); // the name is gone: the BEGIN before tells it
    remount();
    CHECK(named_lost("also") == 1 && xn_store_find("also", &(xn_store_object){0}) != XN_OK);
    CHECK(xn_store_format() == XN_OK && xn_store_lost() == 0 && named_lost("also") == 0);
}

// What a compaction wrote can rot, too.
static void test_rotten_copies(void) {
    state whole = build();
    CHECK(xn_index_compact(false) == XN_OK);
    uint32_t end = xn_log_end();
    uint32_t first = area_bytes() / SLOT;
    save();
    for (uint32_t slot = 1; slot < end; slot++) {
        restore();
        memset(slot_at(first + slot) + 20, 0xA5, 9);
        state now = remount();
        CHECK(xn_store_lost() == 1 && (same(now, whole) || slot < end - 1));
    }
    restore();
    CHECK(same(remount(), whole) && xn_store_lost() == 0);
}

// ---- The counter's floor ----------------------------------------------------------------------

static int raise_floor(uint32_t to) {
    xn_log_record record;
    memset(&record, 0, sizeof(record));
    record.kind = XN_LOG_COUNTER;
    record.counter = to;
    return xn_index_commit(&record);
}

static void test_counter(void) {
    build();
    CHECK(raise_floor(5) == XN_OK && raise_floor(3) == XN_OK && xn_index_now.counter_floor == 5);
    remount();
    CHECK(xn_index_now.counter_floor == 5);
    CHECK(xn_index_compact(false) == XN_OK);
    remount();
    CHECK(xn_index_now.counter_floor == 5);
    CHECK(xn_store_format() == XN_OK && xn_index_now.counter_floor == 5);
}

// ---- What format 2.0 made ---------------------------------------------------------------------

#define OLD_AREA 16384u

static const xn_port_flash megabyte = {1048576, 4096, 256, 1, 0, 0};

// Rewrites a store of one megabyte that was never compacted, as format 2.0 would have made it.
static void age(void) {
    xn_log_format format;
    memcpy(&format, xn_host.bytes, sizeof(format));
    memset(xn_host.bytes + area_bytes() - SLOT, 0xFF, SLOT);
    memset(xn_host.programmed + area_bytes() - SLOT, 0, SLOT);
    format.major = 2;
    format.area_bytes = OLD_AREA;
    format.records = format.lost = 0;
    memset(format.reserved, 0, sizeof(format.reserved));
    put_crc((uint8_t *)&format);
    memcpy(xn_host.bytes, &format, sizeof(format));
}

// An object may hold the bytes of a log, also where areas of another size would begin.
static void test_log_within_an_object(void) {
    uint8_t piece[256] = {0};
    xn_log_format fake;
    xn_store_object o = wanted("fake", 4096, 1);
    bool have, resumed;
    xn_host_init(&megabyte, NULL);
    CHECK(xn_store_mount() == XN_OK && area_bytes() == 32768);
    memcpy(&fake, xn_host.bytes, sizeof(fake));
    fake.generation = 1000;
    put_crc((uint8_t *)&fake);
    CHECK(install("keep", 700, 10, true) == XN_OK);
    age();
    CHECK(xn_store_mount() == XN_OK && area_bytes() == OLD_AREA); // migrated, in its old size
    xn_index_now.cursor = 2 * OLD_AREA;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK && o.offset == 32768);
    memcpy(piece, &fake, sizeof(fake));
    CHECK(xn_upload_write(0, piece, 256) == XN_OK);
    xn_upload_abort();
    for (uint32_t i = 0; i < 6; i++) {
        CHECK(xn_store_mount() == XN_OK && area_bytes() == OLD_AREA && xn_log_erasures() < 10);
        CHECK(i == 4 || xn_index_compact(false) == XN_OK);
        if (i == 4) { // the log goes on in the other area
            CHECK(xn_log_erasures() == 6);
            memset(xn_host.bytes, 0x11, SLOT);
        }
    }
    CHECK(xn_store_find("keep", &o) == XN_OK);
}

// Once it is empty it gets areas of today's size, and keeps the floor and the erase counts.
static void test_growth(void) {
    xn_wear before, after;
    xn_store_object o;
    xn_host_init(&megabyte, NULL);
    CHECK(xn_store_mount() == XN_OK && install("keep", 700, 10, true) == XN_OK);
    CHECK(raise_floor(5) == XN_OK);
    age();
    CHECK(xn_store_mount() == XN_OK && install("new", 700, 11, true) == XN_OK);
    for (uint32_t i = 0; i < 300; i++) {
        CHECK(install("w", 3 * 4096, i, false) == XN_OK);
    }
    xn_wear_sum(&before);
    CHECK(area_bytes() == OLD_AREA && xn_index_now.capacity == 64 && before.min > 0);
    CHECK(xn_store_format() == XN_OK && area_bytes() == 32768 && xn_index_now.capacity == 128);
    xn_wear_sum(&after);
    CHECK(after.min >= before.min && after.max <= before.max && after.sectors == 240);
    CHECK(xn_index_now.counter_floor == 5 && xn_store_find("keep", &o) == XN_E_NOT_FOUND);
    state now = remount();
    CHECK(install("x", 100, 1, false) == XN_OK && xn_index_compact(false) == XN_OK);
    CHECK(xn_store_remove("x") == XN_OK && same(remount(), now) && xn_store_lost() == 0);
    CHECK(xn_index_now.counter_floor == 5 && area_bytes() == 32768);
}

// ---- Many objects -----------------------------------------------------------------------------

static void test_thousand_objects(void) {
    static const xn_port_flash large = {8388608, 4096, 256, 1, 0, 0};
    char name[16];
    xn_store_object o;
    xn_host_init(&large, NULL);
    CHECK(xn_store_mount() == XN_OK && xn_index_now.capacity == 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "n%u", (unsigned)i);
        CHECK(install(name, 10, i, false) == XN_OK);
    }
    CHECK(install("more", 10, 1000, false) == XN_E_NO_SPACE);
    for (uint32_t i = 0; i < 600; i++) { // through compactions
        CHECK(install("n3", 10, 2000 + i, false) == XN_OK);
    }
    CHECK(xn_log_erasures() > 1);
    state now = look();
    CHECK(same(remount(), now) && xn_index_now.count == 1000 && xn_store_lost() == 0);
    CHECK(xn_store_find("n999", &o) == XN_OK);
}

// A board that says what its flash cannot be is refused before anything is written.
static void test_boards_mistakes(void) {
    static const xn_port_flash wrong[] = {{262144, 4096, 256, 256, 0, 0},
                                          {262144, 4096, 256, 3, 0, 0},
                                          {262144, 4096, 32, 1, 0, 0},
                                          {262144, 4096, 8192, 1, 0, 0},
                                          {262144, 4096, 0, 1, 0, 0},
                                          {262144, 512, 256, 1, 0, 0},
                                          {262144, 3000, 256, 1, 0, 0},
                                          {262145, 4096, 256, 1, 0, 0},
                                          // log sectors that are none, larger, no power of two
                                          {425984, 131072, 256, 4, 32768, 0},
                                          {425984, 16384, 256, 4, 32768, 32768},
                                          {425984, 131072, 256, 4, 32768, 12288},
                                          // areas of a part of a sector; too small; too large
                                          {409600, 131072, 256, 4, 16384, 16384},
                                          {409600, 131072, 256, 4, 16384, 8192},
                                          {327680, 32768, 256, 4, 131072, 16384},
                                          // more log than flash, a piece behind the last sector
                                          {16384, 16384, 256, 4, 32768, 16384},
                                          {524288, 131072, 256, 4, 32768, 16384}};
    for (uint32_t i = 0; i <= sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (i < sizeof(wrong) / sizeof(wrong[0])) {
            xn_host_init(&wrong[i], NULL);
        } else { // the firmware reaches into it
            xn_host_init(&megabyte, NULL);
            xn_host.flash_taken_until = 4711;
        }
        CHECK(xn_store_mount() == XN_E_STORE);
        CHECK(xn_store_status() == XN_E_STORE && xn_host.operations == 0);
        CHECK(install("x", 10, 1, false) == XN_E_STORE);
        CHECK(xn_store_format() == XN_E_STORE && xn_host.operations == 0);
    }
}

// A NUCLEO-F446RE: the log in two sectors of 16 KB, room for objects in three of 128 KB.
static void test_three_large_sectors(void) {
    static const xn_port_flash f446 = {425984, 131072, 256, 4, 32768, 16384};
    xn_store_object o;
    xn_host_init(&f446, NULL);
    CHECK(xn_store_mount() == XN_OK && area_bytes() == 16384);
    CHECK(xn_extent_free() == 3 * 131072);
    CHECK(install("a", 100000, 1, false) == XN_OK && install("b", 131073, 2, false) == XN_OK);
    CHECK(xn_store_find("a", &o) == XN_OK && (o.offset - 32768) % 131072 == 0);
    CHECK(install("c", 10, 3, false) == XN_E_NO_SPACE && xn_store_remove("b") == XN_OK);
    for (uint32_t i = 0; i < 200; i++) { // each forgets the oldest
        CHECK(install("a", 100000, 4 + i, false) == XN_OK);
    }
    CHECK(xn_log_erasures() > 2 && xn_host.erased[0] > 1 && xn_host.erased[1] > 1);
    state now = remount();
    CHECK(xn_store_find("a", &o) == XN_OK && o.version == 201 && same(look(), now));
    CHECK(xn_store_format() == XN_OK && xn_extent_free() == 3 * 131072);
}

int main(int argc, char **argv) {
    static const xn_port_flash geometries[] = {{262144, 4096, 256, 1, 0, 0},
                                               {131072, 1024, 64, 16, 0, 0},
                                               {524288, 32768, 512, 32, 0, 0},
                                               {32768 + 24 * 8192, 8192, 256, 4, 32768, 4096}};
    CHECK(argc == 2);
    const xn_port_flash *flash = &geometries[atoi(argv[1]) % 4];
    static void (*const tests[])(void) = {test_cuts,
                                          test_eviction,
                                          test_refusals,
                                          test_have_of_damaged_bytes,
                                          test_table_full,
                                          test_in_use,
                                          test_wear,
                                          test_newer_format,
                                          test_foreign_flash,
                                          test_format_records,
                                          test_rotten_records,
                                          test_rotten_copies,
                                          test_log_within_an_object,
                                          test_counter,
                                          test_three_large_sectors,
                                          test_thousand_objects,
                                          test_boards_mistakes};
    sector = flash->sector_bytes;
    some = sector < 4096 ? sector : 4096;
    for (uint32_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (tests[i] == test_table_full && flash->size_bytes / sector < 128) {
            continue; // too few sectors
        }
        if (atoi(argv[1]) != 0 &&
            (tests[i] == test_three_large_sectors || tests[i] == test_thousand_objects ||
             tests[i] == test_growth || tests[i] == test_log_within_an_object ||
             tests[i] == test_boards_mistakes)) {
            continue; // on a flash of its own
        }
        xn_host_init(flash, NULL);
        tests[i]();
    }
    puts("ok");
    return 0;
}
