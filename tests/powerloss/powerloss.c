// Power fails at every flash operation of every kind of change, and again at every operation of the
// recovery from that: what comes up must be the state before or after, whole, all else untouched.
//
//   powerloss GEOMETRY FIRST SECOND BLOB BLOB BLOB
//
// cuts at every FIRST-th operation (of few: each), then at every SECOND-th of the recovery, in
// every way.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuts.h"
#include "base/xn_crc32.h"
#include "store/xn_wear.h"

// ---- Scenarios --------------------------------------------------------------------------------

static void nothing_yet(void) {}

static void others(void) {
    put_data("keep", XN_STORE_DATA, 700, 10);
    put_data("lib.py", XN_STORE_SCRIPT, 1500, 11);
}

static void with_model(void) {
    others();
    put_blob("net", 0, true);
}

static void with_two_versions(void) {
    with_model();
    put_blob("net", 1, false);
}

static void with_two_models(void) {
    with_model();
    put_blob("other", 2, false);
}

static void switch_model(uint32_t turn) {
    CHECK(xn_active_set(turn % 2 == 0 ? "other" : "net") == XN_OK);
}

static bool compacted(uint32_t operations) {
    return operations > 8; // else there is but one record
}

static void with_full_log(void) {
    with_two_models();
    until(switch_model, compacted);
}

static void with_full_flash(void) {
    with_model();
    for (uint32_t i = 0; xn_store_free_bytes() > 12 * sector; i++) {
        char name[16];
        snprintf(name, sizeof(name), "fill%u", (unsigned)i);
        put_data(name, XN_STORE_DATA, 2 * sector, 100 + i);
    }
    for (uint32_t i = 0; i < 5; i++) { // earlier versions fill the rest
        put_data("big", XN_STORE_DATA, 3 * sector - 10 * i, 200 + i);
    }
}

static void half_upload(void) {
    with_model();
    xn_store_object o;
    bool have, resumed;
    data_file(&scratch, "big", XN_STORE_DATA, 5 * sector + 77, 300);
    o = scratch.object;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK && !have);
    CHECK(xn_upload_write(0, scratch.bytes, 2 * sector + 256) == XN_OK);
    xn_upload_abort();
}

static void swap_often(uint32_t turn) {
    uint32_t room = xn_store_free_bytes() / 3;
    put_data("often", XN_STORE_DATA, room - room % sector - turn % sector, 1000 + turn);
}

static bool moved(uint32_t operations) {
    (void)operations;
    return moves() > 0;
}

static void with_uneven_wear(void) {
    with_model();
    until(swap_often, moved);
}

static int first_install(void) {
    blob_file(&scratch, "net", 0);
    return is_current(&scratch) && strcmp(xn_store_active(), "net") == 0
               ? XN_OK
               : install(&scratch, true, 0, 0);
}

static int replace(void) {
    blob_file(&scratch, "net", 1);
    return is_current(&scratch) ? XN_OK : install(&scratch, false, 0, 0);
}

static int try_and_confirm(uint32_t boots) {
    blob_file(&scratch, "net", 1);
    int status = is_current(&scratch) ? XN_OK : install(&scratch, true, 60, boots);
    return status == XN_OK && xn_store_on_trial() != NULL ? xn_store_confirm("net") : status;
}

static int confirm_at_once(void) {
    return try_and_confirm(0);
}

static int confirm_after_starts(void) {
    return try_and_confirm(1);
}

static int switch_and_confirm(void) {
    int status =
        strcmp(xn_store_active(), "other") == 0 ? XN_OK : xn_active_set_on_trial("other", 60, 0);
    return status == XN_OK && xn_store_on_trial() != NULL ? xn_store_confirm("other") : status;
}

static int roll_back(void) {
    blob_file(&scratch, "net", 1);
    return is_current(&scratch) ? xn_active_rollback("net") : XN_OK;
}

static void with_bundle(void) {
    put_data("keep", XN_STORE_DATA, 700, 10);
    bundle_file(&scratch, "faces", 0, 1);
    CHECK(install(&scratch, true, 0, 0) == XN_OK);
}

// Both models and the script change: in look(), no member of one version is beside another's.
static int switch_bundle(void) {
    bundle_file(&scratch, "faces", 1, 2);
    return is_current(&scratch) ? XN_OK : install(&scratch, true, 0, 0);
}

static int try_bundle_and_confirm(void) {
    bundle_file(&scratch, "faces", 1, 2);
    int status = is_current(&scratch) ? XN_OK : install(&scratch, true, 60, 1);
    return status == XN_OK && xn_store_on_trial() != NULL ? xn_store_confirm("faces") : status;
}

static void with_two_bundles(void) {
    with_bundle();
    CHECK(switch_bundle() == XN_OK);
}

static int return_bundle(void) {
    bundle_file(&scratch, "faces", 1, 2);
    return is_current(&scratch) ? xn_active_rollback("faces") : XN_OK;
}

static int remove_active(void) {
    int status = xn_active_remove("net");
    return status == XN_E_NOT_FOUND ? XN_OK : status;
}

static int install_script(void) {
    data_file(&scratch, "boot.py", XN_STORE_SCRIPT, 1234, 400);
    return is_current(&scratch) ? XN_OK : install(&scratch, false, 0, 0);
}

static int replace_script(void) {
    data_file(&scratch, "lib.py", XN_STORE_SCRIPT, 2345, 401);
    return is_current(&scratch) ? XN_OK : install(&scratch, false, 0, 0);
}

static int finish_upload(void) {
    data_file(&scratch, "big", XN_STORE_DATA, 5 * sector + 77, 300);
    return is_current(&scratch) ? XN_OK : install(&scratch, false, 0, 0);
}

static int replace_big(void) {
    data_file(&scratch, "big", XN_STORE_DATA, 4 * sector, 210);
    return is_current(&scratch) ? XN_OK : install(&scratch, false, 0, 0);
}

// Half of the bytes lie in flash already.
static int patch(void) {
    xn_store_object keep, o;
    bool have, resumed;
    CHECK(xn_store_find("keep", &keep) == XN_OK);
    data_file(&scratch, "patched", XN_STORE_DATA, 2 * sector + 100, 500);
    memcpy(scratch.bytes + sector, xn_host.bytes + keep.offset, 512);
    finish_file(&scratch, "patched", XN_STORE_DATA);
    o = scratch.object;
    if (is_current(&scratch)) {
        return XN_OK;
    }
    int status = xn_upload_begin(&o, &have, &resumed);
    for (uint32_t at = 0; at < scratch.n && status == XN_OK && !have; at += 256) {
        uint32_t n = scratch.n - at < 256 ? scratch.n - at : 256;
        status = at >= sector && at < sector + 512
                     ? xn_upload_copy(at, keep.offset + (at - sector), n, NULL)
                     : xn_upload_write(at, scratch.bytes + at, n);
    }
    if (status == XN_OK) {
        status = xn_upload_verify(&o);
    }
    return status == XN_OK ? xn_upload_commit(false, 0, 0) : status;
}

// A sector's number for the flash emulator, which counts the smallest ones.
static uint32_t number_at(uint32_t offset) {
    return offset / (xn_host.flash.log_bytes != 0 ? xn_host.flash.log_sector_bytes : sector) + 1;
}

static void with_deaf_sector(void) {
    with_model();
    xn_store_object o;
    bool have, resumed;
    data_file(&scratch, "big", XN_STORE_DATA, 5 * sector + 77, 300);
    o = scratch.object;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK && !have);
    xn_upload_abort();
    xn_host.deaf_sector = number_at(o.offset + 2 * sector); // its third sector
}

static int format_all(void) {
    xn_upload_abort();
    int status = xn_store_format();
    (void)xn_active_init();
    return status;
}

static int raise_floor(void) {
    xn_log_record record;
    memset(&record, 0, sizeof(record));
    record.kind = XN_LOG_COUNTER;
    record.counter = 7;
    return xn_index_now.counter_floor == 7 ? XN_OK : xn_index_commit(&record);
}

static void with_full_log_and_floor(void) {
    with_full_log();
    boot();
    xn_index_now.counter_floor = 3;
    CHECK(xn_index_compact(false) == XN_OK);
    until(switch_model, compacted);
}

static void age(void);

static void with_old_size(void) {
    with_two_models();
    age();
}

static const scenario scenarios[] = {
    {"first install", nothing_yet, first_install},
    {"replace the active model", with_model, replace},
    {"trial, confirmed", with_model, confirm_at_once},
    {"trial that may see a start", with_model, confirm_after_starts},
    {"trial of another model", with_two_models, switch_and_confirm},
    {"rollback", with_two_versions, roll_back},
    {"remove the active model", with_two_versions, remove_active},
    {"switch of a bundle", with_bundle, switch_bundle},
    {"trial of a bundle, confirmed", with_bundle, try_bundle_and_confirm},
    {"rollback of a bundle", with_two_bundles, return_bundle},
    {"compaction of the log", with_full_log, replace},
    {"full flash", with_full_flash, replace_big},
    {"resumed upload", half_upload, finish_upload},
    {"differential upload", with_model, patch},
    {"new script", with_model, install_script},
    {"replace a script", with_model, replace_script},
    {"sector that cannot be erased", with_deaf_sector, finish_upload},
    {"move to spread wear", with_uneven_wear, replace_script},
    {"format", with_two_models, format_all},
    {"format of a full log", with_full_log, format_all},
    {"format, of format 2.0's size", with_old_size, format_all},
    {"security counter", with_two_models, raise_floor},
    {"security counter, compaction", with_full_log_and_floor, raise_floor},
};

// ---- Starts that change the flash --------------------------------------------------------------

#define SLOT 128u

// Gives the store the bytes that format 2.0 would have.
static void age(void) {
    uint32_t now_bytes = xn_index_now.data_start / 2u;
    uint32_t sectors = xn_host.flash.size_bytes / sector;
    uint32_t old_bytes = 16u * sectors > 16384u ? 16u * sectors : 16384u;
    uint32_t unit = xn_host.flash.program_bytes;
    for (uint32_t area = 0; area < 2; area++) {
        xn_log_format format;
        uint8_t *at = xn_host.bytes + area * now_bytes;
        memcpy(&format, at, sizeof(format));
        memset(at + now_bytes - SLOT, 0xFF, SLOT); // the copy
        memset(xn_host.programmed + (at + now_bytes - SLOT - xn_host.bytes) / unit, 0, SLOT / unit);
        if (memcmp(format.magic, XN_LOG_MAGIC, sizeof(format.magic)) != 0) {
            continue;
        }
        CHECK(area == 0 || old_bytes == now_bytes);
        format.major = 2;
        format.area_bytes = old_bytes;
        format.records = format.lost = 0;
        memset(format.reserved, 0, sizeof(format.reserved));
        format.crc = xn_crc32((uint8_t *)&format + 4, SLOT - 4);
        memcpy(at, &format, sizeof(format));
    }
}

static void old_store(void) {
    boot();
    with_two_models();
    age();
}

static void old_store_in_area_b(void) {
    boot();
    with_full_log();
    boot();
    CHECK(replace() == XN_OK);
    put_data("later", XN_STORE_DATA, 300, 13);
    age();
}

static void without_copy(void) {
    boot();
    with_two_models();
    uint32_t at = xn_index_now.data_start / 2u - SLOT;
    uint32_t unit = xn_host.flash.program_bytes;
    memset(xn_host.bytes + at, 0xFF, SLOT);
    memset(xn_host.programmed + at / unit, 0, SLOT / unit);
}

static void old_empty_store(void) {
    boot();
    put_data("gone", XN_STORE_DATA, 700, 10);
    CHECK(xn_active_remove("gone") == XN_OK && raise_floor() == XN_OK);
    age();
}

static const struct {
    const char *name;
    void (*prepare)(void); // of blank flash
    uint32_t depth;        // cuts one after another
} starts[] = {
    {"first format", nothing_yet, 3},
    {"FORMAT without its copy", without_copy, 3},
    {"migration from format 2.0", old_store, 2},
    {"migration, from area B", old_store_in_area_b, 2},
    {"migration of an empty store", old_empty_store, 2},
};

static int start(const scenario *s) {
    (void)s;
    boot();
    return XN_OK;
}

// What any start after the cuts finds, and that the store works on.
static void check_start(void) {
    boot();
    state seen = look();
    CHECK(same(&seen, &now.after) && xn_log_now.formats <= 1);
    uint32_t least = xn_host.flash.size_bytes / 32u;
    CHECK(xn_index_now.data_start >= 2u * least || seen.sum[0] != 0); // an empty store has grown
    uint32_t area = xn_log_erasures() % 2 == 1 ? 0 : xn_index_now.data_start / 2u;
    CHECK(now.after.active[0] == 0 || xn_host.bytes[area + 10] == XN_LOG_MAJOR ||
          xn_log_now.formats == 1);
    put_data("later", XN_STORE_DATA, 333, 17);
    CHECK(xn_index_compact(false) == XN_OK && xn_log_now.formats == 0);
    boot();
    CHECK(xn_log_now.formats == 0 && xn_active_remove("later") == XN_OK);
}

// Cuts a start, up to `depth` times, each at every operation.
static void cut_starts(uint32_t depth) {
    image from = {NULL, NULL};
    save(&from);
    bool any = true;
    uint32_t turn = 0;
    while (any) {
        uint32_t at = ++turn < FEW ? turn : FEW + (turn - FEW) * first_stride;
        any = false;
        for (int mode = 0; mode < XN_HOST_CUTS; mode++) {
            restore(&from);
            if (cut(start, NULL, at, mode)) {
                any = true;
                if (depth > 1) {
                    cut_starts(depth - 1);
                } else {
                    check_start();
                }
            }
        }
    }
    restore(&from);
    check_start();
    drop(&from);
}

static void run_starts(const xn_port_flash *flash) {
    for (uint32_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (starts[i].prepare == old_store_in_area_b && flash->size_bytes > 524288) {
            continue; // its log would not fit areas of format 2.0
        }
        xn_host_init(flash, NULL);
        starts[i].prepare();
        save(&now.start);
        boot();
        now.after = look();
        now.cuts = 0;
        restore(&now.start);
        cut_starts(starts[i].depth);
        all_cuts += now.cuts;
        printf("%-30s                  %8llu cuts  0 losses\n", starts[i].name,
               (unsigned long long)now.cuts);
        fflush(stdout);
    }
}

// What is no store is formatted by the command only; cut off, that may be repeated.
static int format_foreign(const scenario *s) {
    (void)s;
    int mounted = xn_store_mount();
    return mounted == XN_E_STORE ? xn_store_format() : mounted;
}

static void run_foreign(const xn_port_flash *flash) {
    xn_host_init(flash, NULL);
    memset(xn_host.bytes, 0, flash->size_bytes);
    memset(xn_host.programmed, 1, flash->size_bytes / flash->program_bytes);
    save(&now.start);
    now.cuts = 0;
    for (uint32_t at = 1;; at++) {
        for (int mode = 0; mode < XN_HOST_CUTS; mode++) {
            restore(&now.start);
            if (!cut(format_foreign, NULL, at, mode)) {
                printf("%-30s                  %8llu cuts  0 losses\n", "format of foreign flash",
                       (unsigned long long)now.cuts);
                all_cuts += now.cuts;
                return;
            }
            CHECK(format_foreign(NULL) == XN_OK && format_all() == XN_OK);
            now.after = look();
            check_start();
        }
    }
}

// ---- Flash that wears out ---------------------------------------------------------------------

// Each sector in turn has bits that stay down, or cannot be erased.
static void run_bad_sectors(const xn_port_flash *flash) {
    uint32_t grain = flash->log_bytes != 0 ? flash->log_sector_bytes : sector;
    uint32_t sectors = flash->size_bytes / grain;
    uint32_t runs = 0;
    for (uint32_t i = 0; i < 2 * sectors; i++) {
        xn_host_init(flash, NULL);
        boot();
        with_model();
        uint32_t bad = i / 2 + 1;
        xn_host.stuck_sector = i % 2 == 0 ? bad : 0;
        xn_host.deaf_sector = i % 2 == 1 ? bad : 0;
        for (uint32_t j = 0; j < 60; j++) {
            data_file(&scratch, "often", XN_STORE_DATA, 3 * sector + j, 600 + j);
            state before = look();
            int status = install(&scratch, false, 0, 0);
            bool log = bad == 1 || (bad - 1) * grain == 16384;
            CHECK(status == XN_OK || (log && status == XN_E_FLASH));
            state after = look();
            CHECK(status == XN_OK || same(&before, &after));
            boot();
            before = look();
            CHECK(same(&before, &after));
            runs++;
        }
    }
    printf("%-30s %5u sectors    %8u installs 0 losses\n", "bad sectors", (unsigned)sectors, runs);
}

// A stored bit flips: that harms its object or its record, and no other.
static void run_rot(const xn_port_flash *flash) {
    image good = {NULL, NULL};
    uint32_t flips = 0;
    xn_host_init(flash, NULL);
    boot();
    with_two_models();
    save(&good);
    for (uint32_t at = 0; at < flash->size_bytes; at += 29) {
        restore(&good);
        if (xn_host.bytes[at] == 0xFF) {
            continue;
        }
        xn_host.bytes[at] ^= (uint8_t)(1u << at % 8);
        flips++;
        if (xn_store_mount() != XN_OK) {
            continue; // said, and nothing is done to it
        }
        int status = xn_active_init();
        uint32_t damaged = 0;
        xn_store_object o;
        for (uint32_t cursor = 0; xn_store_next(&cursor, &o) == 1;) {
            uint8_t seen[32];
            xn_sha256_of(xn_store_map(&o), o.size, seen, NULL);
            damaged += memcmp(seen, o.sha256, 32) != 0;
            CHECK(memcmp(seen, o.sha256, 32) == 0 || (at >= o.offset && at - o.offset < o.size));
            CHECK(memcmp(seen, o.sha256, 32) == 0 || strcmp(o.name, "net") != 0 || status < 0);
        }
        CHECK(damaged <= 1);
    }
    printf("%-30s                  %8u flips   0 others harmed\n", "bit rot", (unsigned)flips);
}

// ---- main -------------------------------------------------------------------------------------

int main(int argc, char **argv) {
    const xn_port_flash *flash = begin_cuts(argc, argv);
    run_starts(flash);
    run_foreign(flash);
    bool small = flash->size_bytes < 1048576;
    for (uint32_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (small || scenarios[i].prepare == with_old_size) {
            run_scenario(&scenarios[i], flash);
        }
    }
    if (small) {
        run_bad_sectors(flash);
        run_rot(flash);
    }
    end_cuts();
    return 0;
}
