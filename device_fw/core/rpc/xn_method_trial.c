// The methods of SPEC-wire about trials, versions and what flash holds.
#include <string.h>

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "base/xn_sha256.h"
#include "model/xn_active.h"
#include "rpc/xn_method.h"
#include "store/xn_index.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"
#include "store/xn_wear.h"
#include "trust/xn_policy.h"

#define ITEMS_MAX 8u // of one reply
#define HASH_BYTES 8u
#define HASHES_MAX 256u
#define HASHED_MAX 262144u
#define BLOCK_MAX 65536u
#define BLOCK_UNIT 256u

// ---- Trials -----------------------------------------------------------------------------------

int xn_method_confirm(xn_call *call, xn_msgpack_writer *out) {
    char name[XN_STORE_NAME_MAX + 1];
    xn_call_name(call, name, sizeof(name));
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = xn_store_confirm(name);
    }
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

int xn_method_rollback(xn_call *call, xn_msgpack_writer *out) {
    xn_store_object object;
    char name[XN_STORE_NAME_MAX + 1];
    xn_call_name(call, name, sizeof(name));
    int status = xn_call_end(call);
    if (status != XN_OK) {
        return status;
    }
    xn_active_swap_begin();
    status = xn_active_rollback(name);
    uint32_t pause_us = xn_active_swap_end();
    if (status != XN_OK) {
        return status;
    }
    status = xn_store_find(name, &object); // its first version may have been on trial
    xn_msgpack_put_map(out, 2);
    xn_call_put_u32(out, "version", status == XN_OK ? object.version : 0);
    xn_call_put_u32(out, "pause_us", pause_us);
    return XN_OK;
}

int xn_method_trial(xn_call *call, xn_msgpack_writer *out) {
    int status = xn_call_end(call);
    const xn_store_trial *trial = xn_store_on_trial();
    if (status != XN_OK) {
        return status;
    }
    if (trial == NULL) {
        xn_msgpack_put_nil(out);
        return XN_OK;
    }
    xn_msgpack_put_map(out, 4);
    xn_call_put_text(out, "name", xn_store_active());
    xn_call_put_u32(out, "version", trial->version);
    xn_call_put_u32(out, "left_s", (xn_active_left_ms() + 999u) / 1000u);
    xn_call_put_u32(out, "boots", trial->boots);
    return XN_OK;
}

// ---- Lists: like ls ---------------------------------------------------------------------------

// Writes one item. 1: done, 0: there are no more, or an error.
typedef int item_fn(xn_msgpack_writer *out, uint32_t *cursor, const char *name);

// Passes over `first` items, writes as many as one reply has; their number goes into one byte, once
// it is known.
static int put_list(xn_msgpack_writer *out, item_fn *item, const char *name, uint32_t first) {
    uint32_t cursor = 0;
    uint32_t count = 0;
    int more = 1;
    uint32_t head = out->used;
    xn_msgpack_put_array(out, 0);
    uint32_t start = out->used;
    for (uint32_t i = 0; more == 1 && count < ITEMS_MAX; i++) {
        more = item(out, &cursor, name);
        if (i < first) {
            out->used = start;
        } else {
            count += more == 1;
        }
    }
    if (more < 0) {
        return more;
    }
    out->start[head] = (uint8_t)(0x90u | count);
    return XN_OK;
}

static void put_sha256(xn_msgpack_writer *out, const uint8_t sha256[32]) {
    xn_msgpack_put_text(out, "sha256");
    xn_msgpack_put_bin(out, sha256, 32);
}

// A locked board names what a host may use (xn_method_may_use()).
static bool is_held(enum xn_store_state state) {
    return !xn_policy_locked() || state <= XN_STORE_EARLIER ||
           (state == XN_STORE_UNFINISHED && xn_upload_ticket() != 0);
}

static int put_held(xn_msgpack_writer *out, uint32_t *cursor, const char *name) {
    xn_store_object object;
    enum xn_store_state state;
    int more;
    (void)name;
    do {
        more = xn_store_held(cursor, &object, &state);
    } while (more == 1 && !is_held(state));
    if (more != 1) {
        return more;
    }
    xn_msgpack_put_map(out, 7 + XN_METHOD_SEAL_ENTRIES);
    xn_call_put_text(out, "name", object.name);
    xn_call_put_u32(out, "type", object.type);
    xn_call_put_u32(out, "size", object.size);
    put_sha256(out, object.sha256);
    xn_call_put_u32(out, "version", state == XN_STORE_UNFINISHED ? 0 : object.version);
    xn_call_put_u32(out, "state", state);
    xn_call_put_u32(out, "at", object.offset);
    xn_method_put_seal(out, &object);
    return 1;
}

int xn_method_held(xn_call *call, xn_msgpack_writer *out) {
    uint32_t first = xn_call_u32_or(call, 0);
    int status = xn_call_end(call);
    return status != XN_OK ? status : put_list(out, put_held, NULL, first);
}

// ---- History ----------------------------------------------------------------------------------

static const char *event_of(const xn_log_record *r) {
    switch (r->kind == XN_LOG_EVENT ? r->type : r->kind) {
    case XN_LOG_OBJECT:
        return "installed";
    case XN_LOG_ACTIVE:
        return "activated";
    case XN_LOG_CONFIRM:
        return "confirmed";
    case XN_LOG_RETURN:
        return "returned";
    case XN_LOG_REMOVE:
        return "removed";
    case XN_LOG_LOST:
        return "damaged";
    default:
        return r->state == XN_STORE_TESTING ? "testing" : "refused";
    }
}

static const char *const reasons[] = {
    "",
    "", // the status says it
    "fault",
    "a step did not return in time",
    "the board restarted before it was confirmed",
    "not confirmed in time",
    "withdrawn by the host",
    "it could not be opened",
};

static void put_text(xn_msgpack_writer *out, const xn_log_record *r) {
    char text[XN_ERROR_TEXT_MAX];
    const char *words = r->reason < sizeof(reasons) / sizeof(reasons[0]) ? reasons[r->reason] : "";
    if (r->reason == XN_STORE_STATUS) {
        xn_error_text(r->detail, text);
        words = text;
    }
    xn_call_put_text(out, "text", words);
}

static void put_event(xn_msgpack_writer *out, const xn_log_record *r) {
    xn_msgpack_put_map(out, 8);
    xn_call_put_u32(out, "sequence", r->sequence);
    xn_call_put_text(out, "event", event_of(r));
    xn_call_put_u32(out, "version", r->version);
    xn_call_put_u32(out, "size", r->size);
    put_sha256(out, r->sha256);
    xn_call_put_u32(out, "reason", r->reason);
    xn_msgpack_put_text(out, "detail");
    xn_msgpack_put_int(out, r->detail);
    put_text(out, r);
}

static bool is_told(const xn_log_record *r) {
    return xn_index_is_event(r) || (r->kind == XN_LOG_OBJECT && (r->flags & XN_LOG_MOVES) == 0);
}

static int put_next_event(xn_msgpack_writer *out, uint32_t *cursor, const char *name) {
    xn_log_record record;
    while (++*cursor < xn_log_end()) {
        if (xn_log_look(*cursor, &record) == 1 && is_told(&record) &&
            strncmp(record.name, name, sizeof(record.name)) == 0) {
            put_event(out, &record);
            return 1;
        }
    }
    return 0;
}

int xn_method_history(xn_call *call, xn_msgpack_writer *out) {
    char name[XN_STORE_NAME_MAX + 1];
    xn_call_name(call, name, sizeof(name));
    uint32_t first = xn_call_u32_or(call, 0);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = xn_index_now.mounted ? xn_index_check_name(name) : xn_index_status();
    }
    return status != XN_OK ? status : put_list(out, put_next_event, name, first);
}

// ---- Flash ------------------------------------------------------------------------------------

static int check_hashes(uint32_t at, uint32_t size, uint32_t block) {
    if (block == 0 || block % BLOCK_UNIT != 0 || block > BLOCK_MAX) {
        return xn_error_limit(XN_E_PARAMS, "block", block, BLOCK_MAX);
    }
    if (size > HASHED_MAX || size > HASHES_MAX * block) {
        return xn_error_limit(XN_E_RANGE, "size", size, HASHED_MAX);
    }
    return xn_method_may_use(at, size) ? XN_OK : xn_error_at(XN_E_RANGE, "flash offset", at);
}

int xn_method_hashes(xn_call *call, xn_msgpack_writer *out) {
    uint8_t digest[32];
    uint32_t at = xn_call_u32(call);
    uint32_t size = xn_call_u32(call);
    uint32_t block = xn_call_u32(call);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = check_hashes(at, size, block);
    }
    if (status != XN_OK) {
        return status;
    }
    uint8_t *to = xn_msgpack_put_bin_space(out, (size + block - 1u) / block * HASH_BYTES);
    if (to == NULL) {
        return XN_E_TOO_LONG;
    }
    for (uint32_t i = 0; i < size; i += block) {
        xn_sha256 hash;
        xn_sha256_begin(&hash);
        xn_sha256_add(&hash, xn_port_flash_map(at + i), size - i < block ? size - i : block);
        xn_sha256_end(&hash, digest);
        memcpy(to, digest, HASH_BYTES);
        to += HASH_BYTES;
    }
    return XN_OK;
}

int xn_method_wear(xn_call *call, xn_msgpack_writer *out) {
    xn_wear wear;
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = xn_index_status();
    }
    if (status != XN_OK) {
        return status;
    }
    xn_wear_sum(&wear);
    xn_msgpack_put_map(out, 7);
    xn_call_put_u32(out, "sectors", wear.sectors);
    xn_call_put_u32(out, "min", wear.min);
    xn_call_put_u32(out, "max", wear.max);
    xn_call_put_u32(out, "mean", wear.mean);
    xn_call_put_u32(out, "bad", wear.bad);
    xn_call_put_u32(out, "log", wear.log);
    xn_call_put_u32(out, "moves", wear.moves);
    return XN_OK;
}

int xn_method_format(xn_call *call, xn_msgpack_writer *out) {
    uint32_t n;
    const char *sure = xn_call_str(call, &n);
    int status = xn_call_end(call);
    if (status == XN_OK && (n != 9 || memcmp(sure, "erase all", 9) != 0)) {
        status = xn_error_at(XN_E_PARAMS, "sure is not 'erase all', its length", n);
    }
    if (status != XN_OK) {
        return status;
    }
    xn_upload_abort();
    status = xn_store_format();
    (void)xn_active_init();
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}
