// Cuts of power while weights that are objects of their own come, change and go: the active model
// always finds its own, and what a blob names is never given up.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuts.h"
#include "store/xn_weights.h"

#define NAME "net.weights"

static file weights[BLOBS];

// ---- What is done -----------------------------------------------------------------------------

static int put_weights(const char *name, uint32_t which) {
    file *f = &weights[which];
    finish_file(f, name, XN_STORE_WEIGHTS);
    return is_current(f) ? XN_OK : install(f, false, 0, 0);
}

static int put_model(uint32_t which, bool activate, uint32_t confirm_s) {
    blob_file(&scratch, "net", which);
    return is_current(&scratch) ? XN_OK : install(&scratch, activate, confirm_s, 1000);
}

// A blob whose weights are not there: it is not tested.
static int put_waiting(uint32_t which) {
    blob_file(&scratch, "net", which);
    int status = is_current(&scratch) ? XN_OK : install(&scratch, false, 0, 0);
    return status == XN_E_BLOB_GOLDEN && is_current(&scratch) ? XN_OK : status;
}

static void must(int status) {
    CHECK(status == XN_OK);
}

// Every version that could be returned to has its own.
static void check_needed(void) {
    xn_store_object o, found;
    enum xn_store_state state;
    uint32_t cursor = 0;
    CHECK(xn_store_remove(NAME) == XN_E_NEEDED);
    while (xn_store_held(&cursor, &o, &state) == 1) {
        if (o.type == XN_STORE_BLOB && state <= XN_STORE_WITHDRAWN) {
            uint32_t count;
            const xn_blob_object *needs = xn_weights_named(&o, &count);
            CHECK(count == 1);
            CHECK(xn_weights_find(needs->sha256, needs->bytes, &found) == XN_OK);
        }
    }
}

// ---- Stores -----------------------------------------------------------------------------------

static void with_data(void) {
    put_data("keep", XN_STORE_DATA, 700, 10);
}

static void with_weights(void) {
    with_data();
    must(put_weights(NAME, 0));
}

static void with_waiting(void) {
    with_data();
    must(put_waiting(0));
    CHECK(xn_active_set("net") == XN_E_WEIGHTS);
}

static void with_waiting_and_weights(void) {
    with_waiting();
    must(put_weights("others.weights", 0));
}

static void with_model(void) {
    with_weights();
    must(put_model(0, true, 0));
}

static void with_new_weights(void) {
    with_model();
    must(put_weights(NAME, 1));
}

static void with_two_versions(void) {
    with_new_weights();
    must(put_model(1, false, 0));
}

static void with_trial(void) {
    with_new_weights();
    must(put_model(1, true, 60));
    CHECK(xn_store_on_trial() != NULL);
}

static void without_model(void) {
    with_model();
    must(xn_active_remove("net"));
}

// An earlier version of the weights is all that another model has: others go in its place.
static void with_little_room(void) {
    with_two_versions();
    put_blob("other", 0, false);
    for (uint32_t i = 0; i < 16u; i++) {
        put_data("often", XN_STORE_DATA, 2 * sector - i, 20 + i);
    }
}

static uint8_t heads[2][8];

static void note_often(uint32_t turn) {
    uint32_t area = xn_index_now.data_start / 2u;
    memcpy(heads[0], xn_host.bytes, sizeof(heads[0]));
    memcpy(heads[1], xn_host.bytes + area, sizeof(heads[1]));
    must(xn_store_note(XN_STORE_REFUSED, &weights[0].object, XN_STORE_STATUS, -(int32_t)turn - 1));
}

static bool compacted(uint32_t operations) {
    uint32_t area = xn_index_now.data_start / 2u;
    return operations > 0 && (memcmp(heads[0], xn_host.bytes, sizeof(heads[0])) != 0 ||
                              memcmp(heads[1], xn_host.bytes + area, sizeof(heads[1])) != 0);
}

static void with_full_log(void) {
    with_two_versions();
    until(note_often, compacted);
}

// ---- Changes ----------------------------------------------------------------------------------

static int first_weights(void) {
    return put_weights(NAME, 0);
}

static int other_weights(void) {
    check_needed();
    return put_weights(NAME, 1);
}

static int model_first(void) {
    return put_waiting(0);
}

static int activate(void) {
    CHECK(xn_store_remove("others.weights") == XN_E_NEEDED);
    return strcmp(xn_store_active(), "net") == 0 ? XN_OK : xn_active_set("net");
}

static int model_of_weights(void) {
    return put_model(0, true, 0);
}

static int retrained_model(void) {
    check_needed();
    return put_model(1, false, 0);
}

static int roll_back(void) {
    check_needed();
    blob_file(&scratch, "net", 0);
    return is_current(&scratch) ? XN_OK : xn_active_rollback("net");
}

static int remove_model(void) {
    int status = xn_active_remove("net");
    return status == XN_E_NOT_FOUND ? XN_OK : status;
}

static int remove_weights(void) {
    int status = xn_store_remove(NAME);
    return status == XN_E_NOT_FOUND ? XN_OK : status;
}

static int need_room(void) {
    data_file(&scratch, "big", XN_STORE_DATA, 6 * sector - 5, 90);
    int status = is_current(&scratch) ? XN_OK : install(&scratch, false, 0, 0);
    check_needed();
    return status;
}

static const scenario scenarios[] = {
    {"weights alone", with_data, first_weights},
    {"blob that waits", with_data, model_first},
    {"weights of what waits", with_waiting, first_weights},
    {"activate what waited", with_waiting_and_weights, activate},
    {"blob of weights", with_weights, model_of_weights},
    {"other weights", with_model, other_weights},
    {"blob of other weights", with_new_weights, retrained_model},
    {"rollback", with_two_versions, roll_back},
    {"trial returned", with_trial, roll_back},
    {"model removed", with_two_versions, remove_model},
    {"weights removed", without_model, remove_weights},
    {"eviction", with_little_room, need_room},
    {"compaction", with_full_log, roll_back},
};

static void read_weights(uint32_t which, const char *path) {
    FILE *in = fopen(path, "rb");
    CHECK(in != NULL);
    weights[which].n = (uint32_t)fread(weights[which].bytes, 1, sizeof(scratch.bytes), in);
    fclose(in);
}

// GEOMETRY FIRST SECOND BLOB BLOB BLOB WEIGHTS WEIGHTS WEIGHTS: as begin_cuts().
int main(int argc, char **argv) {
    CHECK(argc == 4 + 2 * BLOBS);
    const xn_port_flash *flash = begin_cuts(argc - BLOBS, argv);
    for (uint32_t i = 0; i < BLOBS; i++) {
        read_weights(i, argv[4 + BLOBS + i]);
    }
    for (uint32_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        run_scenario(&scenarios[i], flash);
    }
    end_cuts();
    return 0;
}
