// Random swaps of sealed objects, with security counters that rise and fall, on a board that counts;
// the power fails at random. What is active is never below the highest floor that the board told.
//
//   swaps GEOMETRY SWAPS SEED BLOB BLOB BLOB
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sealed.h"

static uint32_t random_state;

static uint32_t random_below(uint32_t n) {
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static struct {
    uint32_t floor; // the highest that was told
    bool is_other;  // which keys the policy has
    uint32_t cuts, raised, refused, done;
} told;

static const char *const names[] = {"net", "other", "keep"};

// ---- What is done -------------------------------------------------------------------------------

static uint32_t some_counter(void) {
    uint32_t up = told.floor + (random_below(4) != 0);
    return random_below(6) == 0 && up > 3 ? up - 1 - random_below(3) : up;
}

static int install_some(void) {
    uint32_t which = random_below(3);
    bool activate = random_below(2) == 0;
    if (which == 2) {
        sealed_data("keep", XN_STORE_DATA, 100 + random_below(3 * sector), random_below(4),
                    some_counter());
        return install(&scratch, false, 0, 0);
    }
    sealed_blob(names[which], random_below(BLOBS), some_counter());
    return install(&scratch, activate, activate ? random_below(2) * 60 : 0, random_below(2));
}

static int activate_some(void) {
    return xn_active_set_on_trial(names[random_below(2)], random_below(2) * 60, random_below(2));
}

static int change_keys(void) {
    uint32_t first = told.is_other ? 0 : 1;
    int status = keep_policy(XN_POLICY_COUNTED, first, first + 1);
    told.is_other = status == XN_OK ? !told.is_other : told.is_other;
    return status;
}

static int do_something(const scenario *s) {
    (void)s;
    uint32_t choice = random_below(20);
    int status = choice < 11   ? install_some()
                 : choice < 15 ? xn_store_confirm(names[random_below(3)])
                 : choice < 17 ? xn_active_rollback(names[random_below(3)])
                 : choice < 19 ? activate_some()
                               : change_keys();
    told.refused += status == XN_E_COUNTER;
    told.done += status == XN_OK;
    CHECK(status == XN_OK || status == XN_E_COUNTER || status == XN_E_BUSY ||
          status == XN_E_VERSION || status == XN_E_NOT_FOUND);
    return XN_OK;
}

// ---- What must hold -----------------------------------------------------------------------------

static bool has_policy_of(bool is_other) {
    xn_policy policy = policy_of(XN_POLICY_COUNTED, is_other ? 1 : 0, is_other ? 2 : 1);
    const xn_policy *held = xn_policy_now();
    return held->state == policy.state && memcmp(held->keys, policy.keys, sizeof(policy.keys)) == 0;
}

static void check(void) {
    xn_store_object o;
    CHECK(xn_store_floor() >= told.floor);
    told.raised += xn_store_floor() > told.floor;
    told.floor = xn_store_floor();
    const char *name = xn_store_active();
    CHECK(name[0] != 0 && xn_active_model(&o) != NULL && strcmp(o.name, name) == 0);
    CHECK(xn_store_find(name, &o) == XN_OK && o.seal != 0 && o.counter >= told.floor);
    CHECK(xn_store_check(&o) == XN_OK && xn_store_seal_holds(&o) == XN_OK);
    CHECK(has_policy_of(told.is_other));
}

static int start(const scenario *s) {
    (void)s;
    boot();
    return XN_OK;
}

static void recover(void) {
    bool before = told.is_other;
    uint32_t most = random_below(3); // a start that writes the log again needs many operations
    for (uint32_t i = 0; i < most; i++) {
        told.cuts += cut(start, NULL, 1 + random_below(4), (int)random_below(XN_HOST_CUTS));
    }
    boot();
    told.is_other = has_policy_of(before) ? before : !before;
}

static void swap(void) {
    if (random_below(4) == 0) {
        (void)do_something(NULL);
    } else if (cut(do_something, NULL, 1 + random_below(8), (int)random_below(XN_HOST_CUTS))) {
        told.cuts++;
        recover();
    }
    check();
}

int main(int argc, char **argv) {
    char *arguments[] = {argv[0], argv[1], "1", "1", argv[4], argv[5], argv[6]};
    CHECK(argc == 4 + BLOBS);
    const xn_port_flash *flash = begin_cuts(argc, arguments);
    random_state = (uint32_t)atoi(argv[3]);
    xn_host_init(flash, NULL);
    boot();
    sealed_blob("net", 0, 1);
    CHECK(put_sealed(true, 0) == XN_OK);
    CHECK(keep_policy(XN_POLICY_COUNTED, 0, 1) == XN_OK);
    for (int i = 0; i < atoi(argv[2]); i++) {
        swap();
    }
    printf("%s swaps with %u cuts: 0 downgrades; %u done, %u below the floor refused, the floor "
           "rose %u times\n",
           argv[2], (unsigned)told.cuts, (unsigned)told.done, (unsigned)told.refused,
           (unsigned)told.raised);
    return 0;
}
