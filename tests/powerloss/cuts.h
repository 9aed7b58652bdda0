// Cuts of power at every flash operation of a change and of the recovery from that, and the objects
// that are changed.
#ifndef CUTS_H
#define CUTS_H

#include "check.h"
#include "base/xn_sha256.h"
#include "base/xn_status.h"
#include "model/xn_active.h"
#include "model/xn_pool.h"
#include "store/xn_bundle.h"
#include "store/xn_extent.h"
#include "store/xn_index.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"

#define BLOBS 3
#define FEW 10u // operations of which each is cut in any case

extern uint32_t sector; // bytes
extern uint32_t first_stride, second_stride;
extern uint64_t all_cuts;

// Reads GEOMETRY FIRST SECOND BLOB BLOB BLOB.
const xn_port_flash *begin_cuts(int argc, char **argv);
void end_cuts(void); // tells the sum

// ---- What is uploaded -------------------------------------------------------------------------

typedef struct file {
    uint8_t bytes[32768];
    uint32_t n;
    xn_store_object object;
#if XN_LOCKABLE
    bool is_sealed;
    xn_seal seal;
#endif
} file;

extern file scratch;

void finish_file(file *f, const char *name, uint32_t type);
void data_file(file *f, const char *name, uint32_t type, uint32_t n, uint32_t seed);
void blob_file(file *f, const char *name, uint32_t which);
// A bundle of two models, the first of which is `first`, and a script.
void bundle_file(file *f, const char *name, uint32_t first, uint32_t seed);
bool is_current(const file *f);
int begin_file(const file *f, xn_store_object *o, bool *have, bool *resumed);
int install(const file *f, bool activate, uint32_t confirm_s, uint32_t boots);
void put_data(const char *name, uint32_t type, uint32_t n, uint32_t seed);
void put_blob(const char *name, uint32_t which, bool activate);

// ---- The visible state ------------------------------------------------------------------------

typedef struct state {
    uint32_t sum[8];
    char active[XN_STORE_NAME_MAX + 1];
    uint32_t floor; // of the security counter
#if XN_LOCKABLE
    bool has_policy, has_device, has_taken_order;
    xn_policy policy;
    xn_device_key device;
#endif
} state;

state look(void); // and checks that all is whole
bool same(const state *a, const state *b);
void boot(void);
#if XN_LOCKABLE
extern uint32_t orders_from; // sequence from which on records tell of an order, 0: none
#endif
uint32_t moves(void); // of objects, to spread the wear

// ---- Copies of the flash ----------------------------------------------------------------------

typedef struct image {
    uint8_t *bytes;
    uint8_t *programmed;
} image;

void save(image *to);
void restore(const image *from);
void drop(image *of);
// Goes back to before the first repetition of `step` that `happened`.
void until(void (*step)(uint32_t turn), bool (*happened)(uint32_t operations));

// ---- Cutting ----------------------------------------------------------------------------------

typedef struct scenario {
    const char *name;
    void (*prepare)(void); // on a store that was just mounted
    int (*change)(void);   // may be repeated whatever part of it was done
} scenario;

extern struct cut_state {
    image start, cut;
    state before, after;
    uint32_t operations;
    uint64_t cuts;
} now;

// Runs until the power fails at operation `at`; false: it did not come to that.
bool cut(int (*run)(const scenario *), const scenario *s, uint32_t at, int mode);
void run_scenario(const scenario *s, const xn_port_flash *flash);

#endif
