// Seals, policies and the security counter: what a locked board takes, and what it keeps.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "base/xn_crc32.h"
#include "base/xn_error.h"
#include "base/xn_version.h"
#include "store/xn_extent.h"
#include "store/xn_index.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"
#include "store/xn_wear_level.h"
#include "trust/xn_ed25519.h"

#define SECTOR 1024u
#define BYTES 9000u

static const uint8_t seeds[3][32] = {{1, 10}, {2, 20}, {3, 30}};
static uint8_t bytes[BYTES];

// ---- Sealed objects -----------------------------------------------------------------------------

static xn_store_object object_of(const char *name, uint32_t size, uint8_t seed) {
    xn_store_object o;
    memset(&o, 0, sizeof(o));
    memset(bytes, seed, sizeof(bytes));
    strcpy(o.name, name);
    o.type = XN_STORE_DATA;
    o.size = size;
    xn_sha256_of(bytes, size, o.sha256, NULL);
    return o;
}

static void sign(xn_seal *seal, uint32_t by) {
    uint8_t key[32];
    xn_ed25519_public(seeds[by], key);
    seal->key_id = xn_policy_key_id(key);
    xn_ed25519_sign(seeds[by], (const uint8_t *)seal, XN_SEAL_SIGNED, seal->signature);
}

static xn_seal seal_of(const xn_store_object *o, uint32_t counter) {
    xn_seal seal;
    memset(&seal, 0, sizeof(seal));
    memcpy(seal.magic, XN_SEAL_MAGIC, sizeof(seal.magic));
    seal.kind = (uint8_t)o->type;
    seal.counter = counter;
    seal.size = o->size;
    strcpy(seal.product, "lamp");
    strcpy(seal.name, o->name);
    memcpy(seal.sha256, o->sha256, sizeof(seal.sha256));
    sign(&seal, 0);
    return seal;
}

static int upload(xn_store_object *o, const xn_seal *seal, bool activate, uint32_t confirm_s) {
    bool have, resumed;
    int status = xn_upload_begin_sealed(o, seal, &have, &resumed);
    if (status == XN_OK && !have) {
        status = xn_upload_write(0, bytes, o->size);
    }
    if (status == XN_OK) {
        status = xn_upload_verify(o);
    }
    return status == XN_OK ? xn_upload_commit(activate, confirm_s, 1) : status;
}

static int put(const char *name, uint32_t size, uint8_t seed, uint32_t counter) {
    xn_store_object o = object_of(name, size, seed);
    xn_seal seal = seal_of(&o, counter);
    return upload(&o, &seal, false, 0);
}

static int put_unsealed(const char *name, uint32_t size, uint8_t seed) {
    xn_store_object o = object_of(name, size, seed);
    return upload(&o, NULL, false, 0);
}

static int put_on_trial(const char *name, uint8_t seed, uint32_t counter) {
    xn_store_object o = object_of(name, 300, seed);
    xn_seal seal = seal_of(&o, counter);
    return upload(&o, &seal, true, 60);
}

static xn_policy policy_of(enum xn_policy_state state, uint32_t first, uint32_t second) {
    xn_policy policy;
    memset(&policy, 0, sizeof(policy));
    policy.state = (uint16_t)state;
    strcpy(policy.product, "lamp");
    xn_ed25519_public(seeds[first], policy.keys[0]);
    xn_ed25519_public(seeds[second], policy.keys[1]);
    return policy;
}

static void set_state(enum xn_policy_state state) {
    xn_policy policy = policy_of(state, 0, 1);
    CHECK(xn_store_keep_policy(&policy) == XN_OK);
}

static void fresh(void) {
    static const xn_port_flash flash = {65536, SECTOR, 256, 1, 0, 0};
    xn_host_init(&flash, NULL);
    CHECK(xn_store_mount() == XN_OK);
}

static void remount(void) {
    CHECK(xn_store_mount() == XN_OK);
}

static int check_of(const char *name) {
    xn_store_object o;
    CHECK(xn_store_find(name, &o) == XN_OK);
    return xn_store_check(&o);
}

static bool says(int code, const char *words) {
    char text[XN_ERROR_TEXT_MAX];
    xn_error_text(code, text);
    if (strstr(text, words) == NULL) {
        fprintf(stderr, "\"%s\" is not in: %s\n", words, text);
    }
    return strstr(text, words) != NULL;
}

// ---- Each rule of a seal ------------------------------------------------------------------------

// Whether a seal of which one byte was changed, and signed, is refused with these words.
static void refuse(uint32_t at, uint8_t value, const char *words) {
    xn_store_object o = object_of("a", 300, 1);
    xn_seal seal = seal_of(&o, 5);
    bool have, resumed;
    ((uint8_t *)&seal)[at] = value;
    uint32_t key_id = seal.key_id;
    sign(&seal, 0);
    if (at >= offsetof(xn_seal, key_id) && at < offsetof(xn_seal, reserved2)) {
        seal.key_id = key_id;
    }
    uint32_t operations = xn_host.operations;
    CHECK(xn_upload_begin_sealed(&o, &seal, &have, &resumed) == XN_E_SEAL);
    CHECK(says(XN_E_SEAL, words) && xn_host.operations == operations);
}

static void test_each_rule(void) {
    fresh();
    set_state(XN_POLICY_WARN);
    for (uint32_t at = 0; at < 8; at++) {
        refuse(at, 'x', "a: magic, flag or reserved byte");
    }
    static const uint8_t reserved[] = {9, 10, 11, 28, 29, 30, 31, 120, 121, 122, 126, 127};
    for (uint32_t i = 0; i < sizeof(reserved); i++) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            refuse(reserved[i], (uint8_t)(1u << bit), "a: magic, flag or reserved byte");
        }
    }
    refuse(offsetof(xn_seal, key_id), 0x99, "a: unknown key");
    refuse(offsetof(xn_seal, product), 'L', "a: for another product, character 1");
    refuse(offsetof(xn_seal, product) + 4, 's', "a: for another product, character 5");
    refuse(offsetof(xn_seal, product) + 15, 's', "a: for another product, character 16");
    refuse(offsetof(xn_seal, kind), XN_STORE_BLOB, "a: for another kind: 1, limit 3");
    refuse(offsetof(xn_seal, name), 'b', "a: for another name, character 1");
    refuse(offsetof(xn_seal, name) + 1, 'b', "a: for another name, character 2");
    refuse(offsetof(xn_seal, name) + 39, 'b', "a: for another name, character 40");
    refuse(offsetof(xn_seal, minimum_firmware) + 3, 1, "a: needs firmware");
    refuse(offsetof(xn_seal, size), 0x2D, "a: for another size: 301, limit 300");
    refuse(offsetof(xn_seal, sha256) + 31, 0, "a: for other bytes");
}

static void test_signature(void) {
    fresh();
    set_state(XN_POLICY_LOCKED);
    xn_store_object o = object_of("a", 300, 1);
    for (uint32_t at = 12; at < sizeof(xn_seal); at += 7) {
        bool have, resumed;
        xn_seal seal = seal_of(&o, 5);
        ((uint8_t *)&seal)[at] ^= 0x10;
        CHECK(xn_upload_begin_sealed(&o, &seal, &have, &resumed) == XN_E_SEAL);
    }
    xn_seal seal = seal_of(&o, 5);
    sign(&seal, 2); // no key of the policy
    CHECK(upload(&o, &seal, false, 0) == XN_E_SEAL && says(XN_E_SEAL, "unknown key"));
    sign(&seal, 1);
    CHECK(upload(&o, &seal, false, 0) == XN_OK);
    seal.minimum_firmware = XN_VERSION_NUMBER;
    sign(&seal, 0);
    CHECK(upload(&o, &seal, false, 0) == XN_OK);
    seal.minimum_firmware = XN_VERSION_NUMBER + 1;
    sign(&seal, 0);
    CHECK(upload(&o, &seal, false, 0) == XN_E_SEAL);
}

// ---- States -------------------------------------------------------------------------------------

static void test_states_of_uploads(void) {
    fresh();
    xn_store_object o = object_of("a", 300, 1);
    xn_seal wrong = seal_of(&o, 5);
    wrong.size++;
    CHECK(upload(&o, &wrong, false, 0) == XN_OK); // kept, not looked at
    set_state(XN_POLICY_WARN);
    CHECK(put_unsealed("b", 300, 2) == XN_OK && check_of("b") == XN_OK);
    CHECK(check_of("a") == XN_E_SEAL && says(XN_E_SEAL, "a: "));
    o = object_of("a", 300, 1);
    CHECK(upload(&o, &wrong, false, 0) == XN_E_SEAL);
    set_state(XN_POLICY_LOCKED);
    CHECK(put_unsealed("c", 300, 3) == XN_E_SEAL && says(XN_E_SEAL, "c: no seal, size 300"));
    CHECK(put("c", 300, 3, 1) == XN_OK && check_of("c") == XN_OK);
    remount();
    CHECK(check_of("c") == XN_OK);
}

// What was found under one policy does not count under another.
static void test_lock_forgets(void) {
    fresh();
    xn_store_object o = object_of("a", 300, 1);
    xn_seal wrong = seal_of(&o, 5);
    wrong.signature[3] ^= 1;
    CHECK(upload(&o, &wrong, false, 0) == XN_OK && put_unsealed("b", 200, 2) == XN_OK);
    CHECK(check_of("a") == XN_OK && check_of("b") == XN_OK); // known now
    set_state(XN_POLICY_LOCKED);
    CHECK(check_of("b") == XN_E_SEAL && says(XN_E_SEAL, "b: no seal, version 1"));
    CHECK(check_of("a") == XN_E_SEAL && says(XN_E_SEAL, "a: wrong signature"));
    CHECK(xn_store_activate("a", 0, 0) == XN_OK); // the log tells of a seal: the first use refuses
    CHECK(xn_store_activate("b", 0, 0) == XN_E_SEAL);
    set_state(XN_POLICY_OPEN);
    CHECK(check_of("a") == XN_OK && check_of("b") == XN_OK);
}

static void test_revoked_key(void) {
    fresh();
    set_state(XN_POLICY_LOCKED);
    CHECK(put("a", 300, 1, 1) == XN_OK && check_of("a") == XN_OK);
    xn_policy policy = policy_of(XN_POLICY_LOCKED, 1, 2);
    CHECK(xn_store_keep_policy(&policy) == XN_OK);
    CHECK(check_of("a") == XN_E_SEAL && says(XN_E_SEAL, "a: unknown key"));
}

// An upload that was begun under another policy is not finished.
static void test_lock_ends_an_upload(void) {
    fresh();
    xn_store_object o = object_of("a", 300, 1);
    bool have, resumed;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK);
    CHECK(xn_upload_write(0, bytes, 300) == XN_OK && xn_upload_verify(&o) == XN_OK);
    set_state(XN_POLICY_LOCKED);
    CHECK(xn_upload_commit(false, 0, 0) == XN_E_SESSION);
}

static void test_seal_that_rots(void) {
    fresh();
    set_state(XN_POLICY_LOCKED);
    CHECK(put("a", 300, 1, 1) == XN_OK);
    xn_store_object o;
    CHECK(xn_store_find("a", &o) == XN_OK && o.seal == o.offset + SECTOR - 192u);
    remount();
    xn_host.bytes[o.seal + 130] ^= 4;
    CHECK(check_of("a") == XN_E_SEAL && xn_store_seal_holds(&o) == XN_E_SEAL);
    xn_host.bytes[o.seal + 130] ^= 4;
    CHECK(check_of("a") == XN_OK && xn_store_seal_holds(&o) == XN_OK);
}

// The log says another counter than the seal.
static void test_another_counter(void) {
    fresh();
    set_state(XN_POLICY_LOCKED);
    CHECK(put("a", 300, 1, 5) == XN_OK);
    xn_log_record record;
    CHECK(xn_index_find("a", &record) >= 0);
    record.flags |= XN_LOG_MOVES; // to where it is
    record.counter = 6;
    CHECK(xn_index_commit(&record) == XN_OK);
    CHECK(check_of("a") == XN_E_SEAL && says(XN_E_SEAL, "a: counter is not the log's: 5, limit 6"));
}

// ---- Places -------------------------------------------------------------------------------------

static void test_sizes(void) {
    fresh();
    set_state(XN_POLICY_LOCKED);
    for (uint32_t size = 1; size < 3 * SECTOR; size += 61) {
        CHECK(put("a", size, (uint8_t)size, 1) == XN_OK && check_of("a") == XN_OK);
        xn_store_object o;
        CHECK(xn_store_find("a", &o) == XN_OK && o.seal >= o.offset + size);
        remount();
        CHECK(check_of("a") == XN_OK);
    }
    uint32_t exact[] = {SECTOR - 192, SECTOR - 191, SECTOR, 2 * SECTOR - 192, 2 * SECTOR};
    for (uint32_t i = 0; i < 5; i++) {
        CHECK(put("a", exact[i], (uint8_t)i, 1) == XN_OK && check_of("a") == XN_OK);
    }
}

// Bytes are not sent again only if the seal is the same, too.
static void test_have(void) {
    fresh();
    xn_store_object o = object_of("a", 300, 1);
    xn_seal seal = seal_of(&o, 1);
    bool have, resumed;
    CHECK(upload(&o, NULL, false, 0) == XN_OK);
    CHECK(xn_upload_begin_sealed(&o, &seal, &have, &resumed) == XN_OK && !have);
    CHECK(upload(&o, &seal, false, 0) == XN_OK);
    CHECK(xn_upload_begin_sealed(&o, &seal, &have, &resumed) == XN_OK && have);
    CHECK(xn_upload_verify(&o) == XN_OK && xn_upload_commit(false, 0, 0) == XN_OK);
    CHECK(xn_upload_begin_sealed(&o, NULL, &have, &resumed) == XN_OK && have);
    xn_seal other = seal_of(&o, 2);
    CHECK(xn_upload_begin_sealed(&o, &other, &have, &resumed) == XN_OK && !have);
    CHECK(upload(&o, &other, false, 0) == XN_OK);
    CHECK(xn_store_find("a", &o) == XN_OK && o.seal != 0 && o.counter == 2);
}

static void test_resumed(void) {
    fresh();
    xn_store_object o = object_of("a", 3 * SECTOR, 1);
    xn_seal seal = seal_of(&o, 1), other = seal_of(&o, 2);
    bool have, resumed;
    CHECK(xn_upload_begin_sealed(&o, &seal, &have, &resumed) == XN_OK && !have && !resumed);
    uint32_t at = o.offset;
    CHECK(xn_upload_write(0, bytes, 2 * SECTOR) == XN_OK);
    xn_upload_abort();
    uint32_t operations = xn_host.operations;
    CHECK(xn_upload_begin_sealed(&o, &seal, &have, &resumed) == XN_OK && resumed);
    CHECK(xn_host.operations == operations && o.offset == at); // it has its seal
    CHECK(xn_upload_begin_sealed(&o, &other, &have, &resumed) == XN_OK && resumed);
    CHECK(xn_host.operations > operations && o.offset == at);
    CHECK(xn_upload_write(2 * SECTOR, bytes, SECTOR) == XN_OK);
    CHECK(xn_upload_verify(&o) == XN_OK && o.counter == 2);
    xn_host.bytes[o.seal] ^= 1;
    CHECK(xn_upload_verify(&o) == XN_E_SEAL);
    xn_host.bytes[o.seal] ^= 1;
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK && !have && !resumed); // without a seal
}

static void test_bad_sector(uint32_t which) {
    fresh();
    set_state(XN_POLICY_LOCKED);
    xn_store_object o = object_of("a", 3 * SECTOR, 1);
    xn_seal seal = seal_of(&o, 1);
    bool have, resumed;
    CHECK(xn_upload_begin_sealed(&o, &seal, &have, &resumed) == XN_OK);
    uint32_t at = o.offset;
    xn_upload_abort();
    xn_index_now.begun = 0; // so the same place is taken again
    xn_index_now.cursor = at;
    remount();
    xn_host.deaf_sector = at / SECTOR + which + 1;
    if (which == 3) { // of the seal alone, which is there: only another one is written
        seal = seal_of(&o, 2);
    }
    CHECK(upload(&o, &seal, false, 0) == XN_OK && check_of("a") == XN_OK);
    CHECK(xn_store_find("a", &o) == XN_OK);
    remount();
    CHECK(check_of("a") == XN_OK);
}

// ---- The floor ----------------------------------------------------------------------------------

static void test_floor(void) {
    fresh();
    CHECK(put_on_trial("net", 1, 3) == XN_OK && xn_store_confirm("net") == XN_OK);
    CHECK(xn_store_floor() == 0 && xn_store_confirm("net") == XN_E_VERSION);
    set_state(XN_POLICY_LOCKED);
    CHECK(xn_store_confirm("net") == XN_E_VERSION && xn_store_floor() == 0);
    CHECK(put("keep", 100, 2, 4) == XN_OK);
    set_state(XN_POLICY_COUNTED);
    CHECK(xn_store_confirm("net") == XN_OK && xn_store_floor() == 3);
    CHECK(xn_store_confirm("none") == XN_E_NOT_FOUND);
    CHECK(put("net", 300, 9, 2) == XN_E_COUNTER && says(XN_E_COUNTER, "net: counter 2, limit 3"));
    CHECK(put_on_trial("net", 4, 5) == XN_OK && xn_store_on_trial() != NULL);
    CHECK(xn_store_confirm("keep") == XN_E_BUSY && says(XN_E_BUSY, "net: on trial, version 2"));
    CHECK(xn_store_confirm("net") == XN_E_COUNTER); // "keep" would be lost
    CHECK(says(XN_E_COUNTER, "keep: counter 4, limit 5") && xn_store_on_trial() != NULL);
    CHECK(xn_store_floor() == 3 && put("keep", 100, 2, 5) == XN_OK);
    CHECK(xn_store_confirm("net") == XN_OK && xn_store_floor() == 5);
    CHECK(xn_store_on_trial() == NULL);
    CHECK(xn_store_rollback("net") == XN_E_COUNTER &&
          says(XN_E_COUNTER, "net: counter 3, limit 5"));
    CHECK(xn_store_rollback("keep") == XN_E_COUNTER);
    remount();
    CHECK(xn_store_floor() == 5 && check_of("net") == XN_OK);
    CHECK(xn_index_compact(false) == XN_OK);
    remount();
    CHECK(xn_store_floor() == 5 && xn_store_format() == XN_OK && xn_store_floor() == 5);
}

// The chip has bits of its own for the floor: an older state of the flash does not take it back.
static void test_chip_keeps_the_floor(void) {
    static uint8_t older[65536], programmed[65536];
    xn_host_counter bits = {0, false};
    fresh();
    xn_host_floor = &bits;
    set_state(XN_POLICY_COUNTED);
    CHECK(put_on_trial("net", 1, 3) == XN_OK && xn_store_confirm("net") == XN_OK);
    CHECK(bits.floor == 3);
    memcpy(older, xn_host.bytes, sizeof(older));
    memcpy(programmed, xn_host.programmed, sizeof(programmed));
    CHECK(put_on_trial("net", 2, 5) == XN_OK && xn_store_confirm("net") == XN_OK);
    CHECK(bits.floor == 5);
    memcpy(xn_host.bytes, older, sizeof(older));
    memcpy(xn_host.programmed, programmed, sizeof(programmed));
    remount();
    CHECK(xn_index_now.counter_floor == 3 && xn_store_floor() == 5);
    CHECK(check_of("net") == XN_E_COUNTER && put("net", 300, 9, 4) == XN_E_COUNTER);
    // Power failed between the bits and the record.
    CHECK(put_on_trial("net", 4, 7) == XN_OK);
    bits.floor = 7;
    remount();
    CHECK(xn_store_confirm("net") == XN_OK && xn_store_on_trial() == NULL);
    bits.worn = true;
    CHECK(put_on_trial("net", 5, 8) == XN_OK && xn_store_confirm("net") == XN_E_FLASH);
    CHECK(xn_store_floor() == 7 && xn_store_on_trial() != NULL);
    xn_host_floor = NULL;
}

// Unsealed objects, and those that are below already, are of no use: they hold no confirm up.
static void test_what_is_lost_already(void) {
    fresh();
    CHECK(put_unsealed("old", 100, 9) == XN_OK && put("low", 100, 8, 1) == XN_OK);
    CHECK(put("net", 300, 1, 3) == XN_OK);
    set_state(XN_POLICY_COUNTED);
    xn_index_now.counter_floor = 2;
    CHECK(check_of("low") == XN_E_COUNTER && check_of("old") == XN_E_SEAL);
    CHECK(xn_store_activate("low", 0, 0) == XN_E_COUNTER);
    CHECK(xn_store_confirm("old") == XN_E_SEAL);
    CHECK(xn_store_confirm("net") == XN_OK && xn_store_floor() == 3);
}

// Of an object whose seal is wrong, and that was put while nobody looked.
static void test_wrong_seal_raises_nothing(void) {
    fresh();
    xn_store_object o = object_of("a", 300, 1);
    xn_seal wrong = seal_of(&o, 0xFFFFFFFF);
    wrong.signature[5] ^= 1;
    CHECK(upload(&o, &wrong, false, 0) == XN_OK);
    set_state(XN_POLICY_COUNTED);
    CHECK(xn_store_confirm("a") == XN_E_SEAL && xn_store_floor() == 0);
}

// Power failed between the two records of a confirm.
static void test_half_confirm(uint32_t before) {
    fresh();
    set_state(XN_POLICY_COUNTED);
    if (before != 0) {
        CHECK(put_on_trial("net", 1, before) == XN_OK && xn_store_confirm("net") == XN_OK);
    }
    CHECK(put_on_trial("net", 2, 7) == XN_OK);
    xn_log_record record;
    memset(&record, 0, sizeof(record));
    record.kind = XN_LOG_COUNTER;
    record.counter = 7;
    CHECK(xn_index_commit(&record) == XN_OK);
    remount();
    CHECK(xn_store_on_trial() == NULL && xn_store_floor() == 7);
    CHECK(xn_index_compact(false) == XN_OK);
    remount();
    CHECK(xn_store_on_trial() == NULL && check_of("net") == XN_OK);
    CHECK(put_on_trial("net", 3, 7) == XN_OK && xn_index_compact(false) == XN_OK);
    remount();
    CHECK(xn_store_on_trial() != NULL); // the floor was there before
    CHECK(xn_store_confirm("net") == XN_OK && xn_store_on_trial() == NULL);
}

// What a trial would return to is not taken any more: it is over.
static void test_return_below(void) {
    fresh();
    xn_store_object o = object_of("net", 300, 1);
    CHECK(upload(&o, NULL, true, 0) == XN_OK);
    CHECK(put_on_trial("net", 2, 7) == XN_OK);
    set_state(XN_POLICY_LOCKED);
    CHECK(xn_store_rollback("net") == XN_E_SEAL && xn_store_on_trial() != NULL);
    CHECK(xn_store_return(XN_STORE_LATE, 1) == XN_OK && xn_store_on_trial() == NULL);
    CHECK(xn_store_find("net", &o) == XN_OK && o.counter == 7);
}

// ---- Records ------------------------------------------------------------------------------------

static xn_device_key device_key(void) {
    xn_device_key key;
    memset(&key, 0, sizeof(key));
    memset(key.seed, 0xA7, sizeof(key.seed));
    memset(key.key, 0x7A, sizeof(key.key));
    strcpy(key.source, "fifteen letters");
    return key;
}

static bool has_both(const xn_policy *policy, const xn_device_key *key) {
    return memcmp(xn_policy_now(), policy, sizeof(*policy)) == 0 && xn_device_now() != NULL &&
           memcmp(xn_device_now(), key, sizeof(*key)) == 0;
}

static void test_kept(void) {
    fresh();
    xn_policy policy = policy_of(XN_POLICY_COUNTED, 0, 1);
    policy.flags = XN_POLICY_READS;
    strcpy(policy.product, "fifteen letters");
    xn_device_key key = device_key();
    CHECK(xn_store_keep_device(&key) == XN_OK && xn_store_keep_policy(&policy) == XN_OK);
    xn_store_object o;
    uint32_t cursor = 0;
    CHECK(xn_store_next(&cursor, &o) == 0 && xn_log_end() == 5); // twice each
    CHECK(has_both(&policy, &key));
    remount();
    CHECK(has_both(&policy, &key));
    CHECK(xn_index_compact(false) == XN_OK);
    remount();
    CHECK(has_both(&policy, &key));
    CHECK(xn_store_format() == XN_OK && has_both(&policy, &key));
    remount();
    CHECK(has_both(&policy, &key));
    uint32_t sequence = xn_store_next_sequence();
    CHECK(xn_store_note_unlock(77) == XN_OK && xn_store_next_sequence() == sequence + 1);
    CHECK(xn_index_compact(false) == XN_OK && xn_store_next_sequence() > sequence + 1);
    remount();
    CHECK(has_both(&policy, &key) && xn_store_next_sequence() > sequence + 1);
}

// One of the two records rots: the other one counts.
static void test_rotten_record(void) {
    xn_policy policy = policy_of(XN_POLICY_LOCKED, 0, 1);
    xn_device_key key = device_key();
    for (uint32_t slot = 1; slot <= 4; slot++) {
        fresh();
        CHECK(xn_store_keep_policy(&policy) == XN_OK && xn_store_keep_device(&key) == XN_OK);
        for (uint32_t at = slot * 128u + 13; at < slot * 128u + 20; at++) {
            xn_host.bytes[at] = 0;
        }
        remount();
        CHECK(has_both(&policy, &key) && xn_store_lost() <= 1);
    }
}

static void append(void *record, uint32_t n, uint32_t kind) {
    xn_log_record r;
    uint32_t slot;
    CHECK(n == sizeof(r));
    memcpy(&r, record, sizeof(r));
    r.kind = (uint8_t)kind;
    CHECK(xn_log_append(&r, &slot) == XN_OK);
}

// A policy that is not understood: the store is refused, and the board is locked all the same.
static void test_unknown_policy(void) {
    for (uint32_t i = 0; i < 4; i++) {
        xn_log_trust trust;
        fresh();
        memset(&trust, 0, sizeof(trust));
        trust.state = i == 0 ? 4 : 2;
        trust.policy_flags = i == 1 ? 2 : i == 2 ? 1u << 31 : 0;
        memset(trust.product, 'x', i == 3 ? 16 : 15);
        append(&trust, sizeof(trust), XN_LOG_TRUST);
        CHECK(xn_store_mount() == XN_E_STORE && xn_policy_locked());
        CHECK(xn_store_status() == XN_E_STORE);
    }
}

static bool shows_seed(uint32_t from, uint32_t n) {
    static uint8_t raw[65536];
    CHECK(xn_store_read_raw(from, raw, n) == XN_OK);
    for (uint32_t i = 0; i + 4 <= n; i++) {
        if (raw[i] == 0xA7 && raw[i + 1] == 0xA7) {
            return true;
        }
    }
    return false;
}

static void test_seed_is_hidden(void) {
    fresh();
    xn_device_key key = device_key();
    CHECK(put("a", 300, 1, 1) == XN_OK && xn_store_keep_device(&key) == XN_OK);
    for (uint32_t from = 0; from < 2048; from += 37) {
        CHECK(!shows_seed(from, 1500));
    }
    uint8_t raw[300];
    xn_store_object o;
    CHECK(xn_store_find("a", &o) == XN_OK && xn_store_read_raw(o.offset, raw, 300) == XN_OK);
    CHECK(memcmp(raw, bytes, 300) == 0);
    CHECK(xn_store_read_raw(128, raw, 256) == XN_OK); // other records are as they are
    CHECK(memcmp(raw, xn_host.bytes + 128, 256) == 0);
    uint32_t second = 4 * 128; // the second copy, as a cut leaves it
    CHECK(memcmp(xn_host.bytes + second + 12, key.seed, 32) == 0);
    static const uint32_t damaged[] = {0, 8, 9, 50, 127};
    for (uint32_t i = 0; i < 5; i++) {
        xn_host.bytes[second + damaged[i]] ^= 0xFF;
        CHECK(!shows_seed(0, 2048));
        remount();
        CHECK(!shows_seed(0, 2048) && xn_device_now() != NULL);
    }
    CHECK(xn_index_compact(false) == XN_OK);
    CHECK(!shows_seed(0, 32768));
    for (uint32_t at = 0; at < 32768; at += 16384) { // no store any more
        memset(xn_host.bytes + at, 0, 128);
        memset(xn_host.bytes + at + 16384 - 128, 0, 128);
    }
    memcpy(xn_host.bytes + second + 8, xn_host.bytes + second - 128 + 8, 4); // its head
    CHECK(xn_store_mount() == XN_E_STORE && !shows_seed(0, 32768));
}

// ---- Live bytes ---------------------------------------------------------------------------------

static void test_within_live(void) {
    fresh();
    set_state(XN_POLICY_LOCKED);
    xn_store_object old, now, gone, o;
    CHECK(put("a", 300, 1, 1) == XN_OK && xn_store_find("a", &old) == XN_OK);
    CHECK(put("a", 300, 2, 1) == XN_OK && xn_store_find("a", &now) == XN_OK);
    CHECK(put("b", 300, 3, 1) == XN_OK && xn_store_find("b", &gone) == XN_OK);
    CHECK(xn_store_within_live(old.offset, SECTOR) && xn_store_within_live(now.offset + 256, 44));
    CHECK(!xn_store_within_live(old.offset, SECTOR + 1) && !xn_store_within_live(0, 128));
    CHECK(!xn_store_within_live(old.offset - 1, 2));
    CHECK(xn_store_within_live(gone.offset, 300) && xn_store_remove("b") == XN_OK);
    CHECK(!xn_store_within_live(gone.offset, 300));
    CHECK(xn_store_rollback("a") == XN_OK && !xn_store_within_live(now.offset, 300));
    bool have, resumed;
    o = object_of("c", 3 * SECTOR, 4);
    xn_seal seal = seal_of(&o, 1);
    CHECK(xn_upload_begin_sealed(&o, &seal, &have, &resumed) == XN_OK);
    CHECK(!xn_store_within_live(o.offset, 256)); // what was there before
    CHECK(xn_upload_write(0, bytes, 256) == XN_OK);
    CHECK(xn_store_within_live(o.offset, SECTOR) && !xn_store_within_live(o.offset, SECTOR + 1));
    xn_upload_abort();
    CHECK(!xn_store_within_live(o.offset, 256));
    CHECK(xn_upload_begin_sealed(&o, &seal, &have, &resumed) == XN_OK && resumed);
    CHECK(xn_store_within_live(o.offset, 3 * SECTOR));
}

int main(void) {
    test_each_rule();
    test_signature();
    test_states_of_uploads();
    test_lock_forgets();
    test_revoked_key();
    test_lock_ends_an_upload();
    test_seal_that_rots();
    test_another_counter();
    test_sizes();
    test_have();
    test_resumed();
    for (uint32_t i = 0; i < 4; i++) {
        test_bad_sector(i);
    }
    test_floor();
    test_chip_keeps_the_floor();
    test_what_is_lost_already();
    test_wrong_seal_raises_nothing();
    test_half_confirm(0);
    test_half_confirm(3);
    test_return_below();
    test_kept();
    test_rotten_record();
    test_unknown_policy();
    test_seed_is_hidden();
    test_within_live();
    puts("ok");
    return 0;
}
