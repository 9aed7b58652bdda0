// Power fails while a board is locked, its keys change, it gets a key of its own, takes an order,
// or counts: as powerloss.c, of the core that can be locked.
//
//   trust GEOMETRY FIRST SECOND BLOB BLOB BLOB
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuts.h"
#include "sealed.h"

// ---- Changes of trust -------------------------------------------------------------------------

static int lock(void) {
    return keep_policy(XN_POLICY_LOCKED, 0, 1);
}

static int count(void) {
    return keep_policy(XN_POLICY_COUNTED, 0, 1);
}

static int change_keys(void) {
    return keep_policy(XN_POLICY_COUNTED, 1, 2);
}

static int make_device_key(void) {
    xn_device_key key;
    memset(&key, 0, sizeof(key));
    memset(key.seed, 0xA7, sizeof(key.seed));
    memset(key.key, 0x7A, sizeof(key.key));
    strcpy(key.source, "host");
    return xn_device_now() != NULL ? XN_OK : xn_store_keep_device(&key);
}

// ---- Scenarios --------------------------------------------------------------------------------

static void blank_store(void) {
    orders_from = 0;
}

static void sealed_store(void) {
    blank_store();
    sealed_data("keep", XN_STORE_DATA, 700, 10, 3);
    CHECK(put_sealed(false, 0) == XN_OK);
    sealed_data("lib.py", XN_STORE_SCRIPT, 2 * sector - 100, 11, 9); // the seal has a sector
    CHECK(put_sealed(false, 0) == XN_OK);
    sealed_blob("net", 0, 3);
    CHECK(put_sealed(true, 0) == XN_OK);
}

static void with_device(void) {
    sealed_store();
    CHECK(make_device_key() == XN_OK);
}

static void warned(void) {
    with_device();
    CHECK(keep_policy(XN_POLICY_WARN, 0, 1) == XN_OK);
}

static void locked(void) {
    with_device();
    CHECK(lock() == XN_OK);
}

static void counted(void) {
    with_device();
    CHECK(count() == XN_OK && xn_store_confirm("net") == XN_OK && xn_store_floor() == 3);
}

static void counted_without_model(void) {
    blank_store();
    CHECK(make_device_key() == XN_OK && count() == XN_OK);
}

// What was put there before the board counted: "keep" is the only one below.
static void counted_raised(void) {
    counted();
    sealed_data("keep", XN_STORE_DATA, 710, 12, 6);
    CHECK(put_sealed(false, 0) == XN_OK);
    sealed_blob("net", 1, 5);
    CHECK(put_sealed(false, 0) == XN_OK);
}

static void switch_seal(uint32_t turn) {
    sealed_data("keep", XN_STORE_DATA, 700, 10, 4 + turn);
    CHECK(put_sealed(false, 0) == XN_OK);
}

static bool compacted(uint32_t operations) {
    return operations > 14; // else there are but the records, and the object
}

static void full_log(void) {
    counted();
    until(switch_seal, compacted);
}

static void with_order(void) {
    locked();
    orders_from = xn_store_next_sequence();
}

static void half_sealed_upload(void) {
    counted();
    xn_store_object o;
    bool have, resumed;
    data_file(&scratch, "big", XN_STORE_DATA, 5 * sector - 77, 300);
    seal_file(&scratch, 4, sealed_keys[0]);
    CHECK(begin_file(&scratch, &o, &have, &resumed) == XN_OK && !have);
    CHECK(xn_upload_write(0, scratch.bytes, 2 * sector + 256) == XN_OK);
    xn_upload_abort();
}

static uint32_t number_at(uint32_t offset) {
    return offset / (xn_host.flash.log_bytes != 0 ? xn_host.flash.log_sector_bytes : sector) + 1;
}

// Of five sectors and one for the seal: the third cannot be erased; or the last.
static void deaf_sector(uint32_t which) {
    counted();
    xn_store_object o;
    bool have, resumed;
    data_file(&scratch, "big", XN_STORE_DATA, 5 * sector - 77, 300);
    seal_file(&scratch, 4, sealed_keys[1]);
    CHECK(begin_file(&scratch, &o, &have, &resumed) == XN_OK && !have);
    xn_upload_abort();
    xn_host.deaf_sector = number_at(o.offset + which * sector);
}

static void with_deaf_sector(void) {
    deaf_sector(2);
}

static void with_deaf_last_sector(void) {
    deaf_sector(5);
}

static void swap_often(uint32_t turn) {
    uint32_t room = xn_store_free_bytes() / 3;
    sealed_data("often", XN_STORE_DATA, room - room % sector - turn % sector, 1000 + turn, 3);
    CHECK(put_sealed(false, 0) == XN_OK);
}

static bool moved(uint32_t operations) {
    (void)operations;
    return moves() > 0;
}

static void with_uneven_wear(void) {
    counted();
    until(swap_often, moved);
}

static int install_first(void) {
    sealed_blob("net", 0, 1);
    return put_sealed(true, 0);
}

static int replace(void) {
    sealed_blob("net", 1, 5);
    return put_sealed(false, 0);
}

// The same bytes: the seal alone is another.
static int seal_again(void) {
    sealed_data("keep", XN_STORE_DATA, 700, 10, 8);
    return put_sealed(false, 0);
}

static int finish_upload(void) {
    sealed_data("big", XN_STORE_DATA, 5 * sector - 77, 300, 4); // by another key than before
    return put_sealed(false, 0);
}

static int replace_script(void) {
    sealed_data("lib.py", XN_STORE_SCRIPT, 2345, 401, 9);
    return put_sealed(false, 0);
}

static int try_and_confirm(void) {
    sealed_blob("net", 1, 5);
    int status = put_sealed(true, 60);
    return status == XN_OK ? xn_store_confirm("net") : status;
}

static void all_sealed_alike(void) {
    counted();
    sealed_data("keep", XN_STORE_DATA, 700, 10, 5);
    CHECK(put_sealed(false, 0) == XN_OK);
}

static int confirm_later(void) {
    return xn_store_confirm("net");
}

static int take_order(void) {
    return xn_store_next_sequence() > orders_from ? XN_OK : xn_store_note_unlock(7);
}

static int format_all(void) {
    xn_upload_abort();
    int status = xn_store_format();
    (void)xn_active_init();
    return status;
}

static const scenario scenarios[] = {
    {"first sealed install", blank_store, install_first},
    {"lock", with_device, lock},
    {"lock, counted at once", with_device, count},
    {"change of keys", counted, change_keys},
    {"unlock for good", counted, lock},
    {"device key", sealed_store, make_device_key},
    {"order", with_order, take_order},
    {"sealed model, warned", warned, replace},
    {"sealed model, locked", locked, replace},
    {"sealed model, counted", counted, replace},
    {"another seal of the same bytes", counted, seal_again},
    {"sealed trial, confirmed", all_sealed_alike, try_and_confirm},
    {"first sealed trial, confirmed", counted_without_model, try_and_confirm},
    {"confirm of what is not on trial", counted_raised, confirm_later},
    {"compaction of a counted log", full_log, seal_again},
    {"lock, compaction", full_log, change_keys},
    {"resumed upload, another seal", half_sealed_upload, finish_upload},
    {"sector that cannot be erased", with_deaf_sector, finish_upload},
    {"sector of the seal, the same", with_deaf_last_sector, finish_upload},
    {"move to spread wear", with_uneven_wear, replace_script},
    {"format", counted, format_all},
    {"format of a full log", full_log, format_all},
};

int main(int argc, char **argv) {
    const xn_port_flash *flash = begin_cuts(argc, argv);
    for (uint32_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        run_scenario(&scenarios[i], flash);
    }
    end_cuts();
    return 0;
}
