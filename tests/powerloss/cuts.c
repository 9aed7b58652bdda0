#include "cuts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/xn_wear.h"

uint32_t sector;
uint32_t first_stride;
uint32_t second_stride;
uint64_t all_cuts;

static struct {
    uint8_t *bytes;
    uint32_t n;
} blobs[BLOBS];

// ---- What is uploaded -------------------------------------------------------------------------

file scratch;

void finish_file(file *f, const char *name, uint32_t type) {
    memset(&f->object, 0, sizeof(f->object));
    strcpy(f->object.name, name);
    f->object.type = type;
    f->object.size = f->n;
    xn_sha256_of(f->bytes, f->n, f->object.sha256, NULL);
#if XN_LOCKABLE
    f->is_sealed = false;
#endif
}

void data_file(file *f, const char *name, uint32_t type, uint32_t n, uint32_t seed) {
    f->n = n;
    for (uint32_t i = 0; i < n; i++) {
        f->bytes[i] = (uint8_t)((seed * 2654435761u + i * 40503u) >> 11);
    }
    finish_file(f, name, type);
}

void blob_file(file *f, const char *name, uint32_t which) {
    f->n = blobs[which].n;
    memcpy(f->bytes, blobs[which].bytes, f->n);
    finish_file(f, name, XN_STORE_BLOB);
}

// Adds a member behind those that are there.
static void add_member(file *f, const char *name, uint32_t type, const void *bytes, uint32_t n) {
    xn_bundle_header *header = (void *)f->bytes;
    xn_bundle_row *row = (xn_bundle_row *)(void *)(header + 1) + header->count;
    memset(row, 0, sizeof(*row));
    strcpy(row->name, name);
    row->type = type;
    row->offset = (f->n + XN_BUNDLE_ALIGN - 1u) & ~(XN_BUNDLE_ALIGN - 1u);
    row->size = n;
    CHECK(row->offset + n <= sizeof(f->bytes));
    memcpy(f->bytes + row->offset, bytes, n);
    xn_sha256_of(bytes, n, row->sha256, NULL);
    f->n = row->offset + n;
    header->count++;
    header->size = f->n;
}

void bundle_file(file *f, const char *name, uint32_t first, uint32_t seed) {
    const xn_bundle_header header = {.magic = XN_BUNDLE_MAGIC, .version = XN_BUNDLE_VERSION};
    uint32_t second = (first + 1u) % BLOBS;
    char script[300];
    memset(f->bytes, 0, sizeof(f->bytes));
    memcpy(f->bytes, &header, sizeof(header));
    f->n = sizeof(header);
    memset(script, (int)('a' + seed), sizeof(script));
    add_member(f, "net", XN_STORE_BLOB, blobs[first].bytes, blobs[first].n);
    add_member(f, "main.py", XN_STORE_SCRIPT, script, sizeof(script));
    add_member(f, "second", XN_STORE_BLOB, blobs[second].bytes, blobs[second].n);
    finish_file(f, name, XN_STORE_BUNDLE);
}

bool is_current(const file *f) {
    xn_store_object o;
    return xn_store_find(f->object.name, &o) == XN_OK &&
           memcmp(o.sha256, f->object.sha256, 32) == 0;
}

// As a host does: sectors that are right already are not sent.
static int send(const file *f, const xn_store_object *at, bool resumed) {
    int status = XN_OK;
    for (uint32_t from = 0; from < f->n && status == XN_OK; from += sector) {
        uint32_t n = f->n - from < sector ? f->n - from : sector;
        if (resumed && memcmp(xn_host.bytes + at->offset + from, f->bytes + from, n) == 0) {
            continue;
        }
        for (uint32_t i = 0; i < n && status == XN_OK; i += 512) {
            uint32_t part = n - i < 512 ? n - i : 512;
            status = xn_upload_write(from + i, f->bytes + from + i, part);
        }
    }
    return status;
}

int begin_file(const file *f, xn_store_object *o, bool *have, bool *resumed) {
    *o = f->object;
#if XN_LOCKABLE
    return xn_upload_begin_sealed(o, f->is_sealed ? &f->seal : NULL, have, resumed);
#else
    return xn_upload_begin(o, have, resumed);
#endif
}

int install(const file *f, bool activate, uint32_t confirm_s, uint32_t boots) {
    const xn_active_how how = {activate, confirm_s, boots, 1000};
    xn_store_object o;
    bool have, resumed;
    int golden;
    uint32_t us;
    int status = begin_file(f, &o, &have, &resumed);
    if (status == XN_OK && !have) {
        status = send(f, &o, resumed);
    }
    if (status == XN_OK) {
        status = xn_upload_verify(&o);
    }
    if (status == XN_OK && (o.type == XN_STORE_BLOB || o.type == XN_STORE_BUNDLE)) {
        status = xn_active_install(&o, &how, &golden, &us);
        return status == XN_OK && golden != 1 ? XN_E_BLOB_GOLDEN : status;
    }
    return status == XN_OK ? xn_upload_commit(false, 0, 0) : status;
}

void put_data(const char *name, uint32_t type, uint32_t n, uint32_t seed) {
    data_file(&scratch, name, type, n, seed);
    CHECK(install(&scratch, false, 0, 0) == XN_OK);
}

void put_blob(const char *name, uint32_t which, bool activate) {
    blob_file(&scratch, name, which);
    CHECK(install(&scratch, activate, 0, 0) == XN_OK);
}

// ---- The visible state ------------------------------------------------------------------------

#if XN_LOCKABLE

#define ROW (40u + 32u + sizeof(xn_seal))

uint32_t orders_from;

static void look_at_trust(state *s) {
    s->has_policy = xn_index_now.has_policy;
    s->policy = xn_index_now.policy;
    s->has_device = xn_device_now() != NULL;
    if (s->has_device) {
        s->device = *xn_device_now();
    }
    s->has_taken_order = orders_from != 0 && xn_store_next_sequence() > orders_from;
}

static void add_seal(const xn_store_object *o, uint8_t row[ROW]) {
    CHECK(xn_store_check(o) == XN_OK); // the seal too, if the board asks for it
    memset(row + 72, 0, sizeof(xn_seal));
    if (o->seal != 0) {
        memcpy(row + 72, xn_host.bytes + o->seal, sizeof(xn_seal));
    }
}

#else

#define ROW (40u + 32u)

static void look_at_trust(state *s) {
    (void)s;
}

static void add_seal(const xn_store_object *o, uint8_t row[ROW]) {
    (void)o;
    (void)row;
}

#endif

// Members are found by name, all of one version, whole, and where the bundle is.
static void look_into(const xn_store_object *bundle) {
    xn_store_object member, found;
    int count = xn_bundle_check(xn_store_map(bundle), bundle->size);
    CHECK(count > 0);
    for (uint32_t i = 0; i < (uint32_t)count; i++) {
        CHECK(xn_bundle_member(bundle, i, NULL, &member) == XN_OK);
        CHECK(xn_store_find(member.name, &found) == XN_OK && found.version == bundle->version);
        CHECK(found.offset == member.offset && found.type == member.type);
        CHECK(xn_store_compare(&found) == XN_STORE_WHOLE);
    }
}

state look(void) {
    state s;
    xn_store_object o;
    uint32_t cursor = 0;
    int more;
    memset(&s, 0, sizeof(s));
    while ((more = xn_store_next(&cursor, &o)) == 1) {
        uint8_t seen[32], row[ROW];
        xn_sha256_of(xn_store_map(&o), o.size, seen, NULL);
        CHECK(memcmp(seen, o.sha256, 32) == 0); // whole
        if (o.type == XN_STORE_BUNDLE) {
            look_into(&o);
        }
        memcpy(row, o.name, 40);
        memcpy(row + 40, seen, 32);
        add_seal(&o, row);
        xn_sha256_of(row, sizeof(row), seen, NULL);
        for (int i = 0; i < 8; i++) { // the order does not count
            uint32_t word;
            memcpy(&word, seen + 4 * i, 4);
            s.sum[i] += word;
        }
    }
    CHECK(more == 0);
    CHECK(xn_store_lost() == 0); // a cut is no damage
    s.floor = xn_index_now.counter_floor;
    look_at_trust(&s);
    strcpy(s.active, xn_store_active());
    CHECK((xn_active_model(&o) != NULL) == (s.active[0] != 0)); // and it is open, ready to run
    return s;
}

bool same(const state *a, const state *b) {
    return memcmp(a, b, sizeof(*a)) == 0;
}

void boot(void) {
    CHECK(xn_store_mount() == XN_OK);
    (void)xn_active_init();
}

uint32_t moves(void) {
    xn_wear wear;
    xn_wear_sum(&wear);
    return wear.moves;
}

// ---- Copies of the flash ----------------------------------------------------------------------

void save(image *to) {
    uint32_t n = xn_host.flash.size_bytes;
    free(to->bytes);
    free(to->programmed);
    to->bytes = malloc(n);
    to->programmed = malloc(n / xn_host.flash.program_bytes);
    memcpy(to->bytes, xn_host.bytes, n);
    memcpy(to->programmed, xn_host.programmed, n / xn_host.flash.program_bytes);
}

void restore(const image *from) {
    uint32_t n = xn_host.flash.size_bytes;
    memcpy(xn_host.bytes, from->bytes, n);
    memcpy(xn_host.programmed, from->programmed, n / xn_host.flash.program_bytes);
    xn_host.operations = xn_host.cut_at = 0;
}

void drop(image *of) {
    free(of->bytes);
    free(of->programmed);
    *of = (image){NULL, NULL};
}

void until(void (*step)(uint32_t turn), bool (*happened)(uint32_t operations)) {
    image before = {NULL, NULL};
    for (uint32_t turn = 0;; turn++) {
        CHECK(turn < 2000);
        save(&before);
        uint32_t operations = xn_host.operations;
        step(turn);
        if (happened(xn_host.operations - operations)) {
            restore(&before);
            drop(&before);
            return;
        }
    }
}

// ---- Distinct states --------------------------------------------------------------------------

#define SEEN_MAX (1u << 20)

static struct {
    uint64_t hashes[SEEN_MAX]; // 0: none; open addressing
    uint32_t count;
} seen_states;

// Counts what a cut leaves in flash, if no cut before left the same.
static void count_state(void) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (uint32_t i = 0; i < xn_host.flash.size_bytes; i += 8) {
        uint64_t word;
        memcpy(&word, xn_host.bytes + i, sizeof(word));
        hash = (hash ^ word) * 0x100000001B3u;
        hash ^= hash >> 29;
    }
    hash |= 1u;
    uint32_t at = (uint32_t)(hash >> 20) % SEEN_MAX;
    while (seen_states.hashes[at] != 0 && seen_states.hashes[at] != hash) {
        at = (at + 1u) % SEEN_MAX;
    }
    if (seen_states.hashes[at] == 0 && seen_states.count < SEEN_MAX / 2u) {
        seen_states.hashes[at] = hash;
        seen_states.count++;
    }
}

// ---- Cutting ----------------------------------------------------------------------------------

struct cut_state now;

static int recover(const scenario *s) {
    boot();
    return s->change();
}

// After the last cut: old or new, whole; then the change goes through.
static void check(const scenario *s) {
    boot();
    state seen = look();
    CHECK(same(&seen, &now.before) || same(&seen, &now.after));
    CHECK(s->change() == XN_OK);
    seen = look();
    CHECK(same(&seen, &now.after));
}

bool cut(int (*run)(const scenario *), const scenario *s, uint32_t at, int mode) {
    xn_host.operations = 0;
    xn_host.cut_at = at;
    xn_host.cut_mode = (enum xn_host_cut)mode;
    if (setjmp(xn_host.cut) == 0) {
        CHECK(run(s) == XN_OK);
        xn_host.cut_at = 0;
        return false;
    }
    xn_host.cut_at = 0;
    now.cuts++;
    count_state();
    return true;
}

static int change_only(const scenario *s) {
    return s->change();
}

static void cut_recovery(const scenario *s, uint32_t turn) {
    for (uint32_t at = 1 + turn % second_stride;; at += second_stride) {
        bool any = false;
        for (int mode = 0; mode < XN_HOST_CUTS; mode++) {
            restore(&now.cut);
            if (cut(recover, s, at, mode)) {
                any = true;
                check(s);
            }
        }
        if (!any) {
            return;
        }
    }
}

static void cut_everywhere(const scenario *s) {
    uint32_t stride = now.operations < FEW ? 1 : first_stride;
    uint32_t turn = 0;
    for (uint32_t at = 1; at <= now.operations; at += stride) {
        for (int mode = 0; mode < XN_HOST_CUTS; mode++) {
            restore(&now.start);
            boot();
            CHECK(cut(change_only, s, at, mode));
            save(&now.cut);
            check(s);
            cut_recovery(s, turn++);
        }
    }
}

void run_scenario(const scenario *s, const xn_port_flash *flash) {
    xn_host_init(flash, NULL);
    boot();
    s->prepare();
    boot();
    save(&now.start);
    now.before = look();
    now.cuts = 0;
    xn_host.operations = 0;
    CHECK(s->change() == XN_OK);
    now.operations = xn_host.operations;
    now.after = look();
    CHECK(!same(&now.before, &now.after));
    cut_everywhere(s);
    all_cuts += now.cuts;
    printf("%-30s %5u operations %8llu cuts  0 losses\n", s->name, (unsigned)now.operations,
           (unsigned long long)now.cuts);
    fflush(stdout);
}

// ---- main -------------------------------------------------------------------------------------

static void read_blob(uint32_t which, const char *path) {
    FILE *in = fopen(path, "rb");
    CHECK(in != NULL);
    blobs[which].bytes = malloc(sizeof(scratch.bytes));
    blobs[which].n = (uint32_t)fread(blobs[which].bytes, 1, sizeof(scratch.bytes), in);
    fclose(in);
}

const xn_port_flash *begin_cuts(int argc, char **argv) {
    static const xn_port_flash geometries[] = {
        {65536, 1024, 256, 1},
        {81920, 2048, 64, 16},
        {131072, 4096, 256, 32},
        {1048576, 4096, 256, 1},                     // whose areas format 2.0 made smaller
        {32768 + 98304, 4096, 256, 4, 32768, 2048}}; // small sectors for the log
    CHECK(argc == 4 + BLOBS);
    const xn_port_flash *flash = &geometries[atoi(argv[1]) % 5];
    first_stride = (uint32_t)atoi(argv[2]);
    second_stride = (uint32_t)atoi(argv[3]);
    for (uint32_t i = 0; i < BLOBS; i++) {
        read_blob(i, argv[4 + i]);
    }
    sector = flash->sector_bytes;
    xn_pool_init();
    xn_extent_in_use = xn_runner_uses;
    return flash;
}

void end_cuts(void) {
    printf("%llu cuts, %u distinct states, 0 losses\n", (unsigned long long)all_cuts,
           (unsigned)seen_states.count);
}
