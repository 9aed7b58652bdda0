// attest(): what the board runs and holds, signed by its own key.
#if XN_LOCKABLE

#include <stddef.h>
#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "base/xn_sha256.h"
#include "base/xn_version.h"
#include "model/xn_active.h"
#include "rpc/xn_method.h"
#include "rpc/xn_safe.h"
#include "store/xn_store.h"
#include "trust/xn_device.h"
#include "trust/xn_policy.h"

#define MAGIC "XPATST1" // with its ending 0
#define PIECE_BYTES 4096u

// The bytes of docs/SPEC-trust.md, section 7.
typedef struct report {
    char magic[8];
    uint8_t nonce[32];
    uint8_t board[16];
    uint8_t firmware[32];
    char version[16];
    uint8_t state;
    uint8_t unlocked;
    uint8_t safe;
    uint8_t policy_flags;
    uint32_t floor;
    uint32_t resets;
    uint32_t objects;
    uint8_t objects_digest[32];
    uint8_t active[32];
    uint32_t active_counter;
    uint32_t sequence;
    char product[16];
    uint32_t key_ids[XN_POLICY_KEYS];
    uint8_t reserved[8];
} report;

_Static_assert(sizeof(report) == 224u, "report");

enum row_flag { ROW_ACTIVE = 1, ROW_SEALED = 2 };

typedef struct row {
    uint8_t type;
    uint8_t flags; // enum row_flag
    uint16_t reserved;
    uint32_t counter;
    uint32_t version;
    char name[XN_STORE_NAME_MAX + 1u];
    uint8_t sha256[32];
} row;

_Static_assert(sizeof(row) == 84u, "row");

static void hash_firmware(uint8_t digest[32]) {
    xn_sha256 hash;
    const uint8_t *at;
    uint32_t n;
    xn_sha256_begin(&hash);
    for (uint32_t part = 0; xn_port_image(part, &at, &n); part++) {
        for (uint32_t piece; n > 0; at += piece, n -= piece) {
            piece = n < PIECE_BYTES ? n : PIECE_BYTES;
            xn_sha256_add(&hash, at, piece);
            if (xn_busy_pause != NULL) {
                xn_busy_pause();
            }
        }
    }
    xn_sha256_end(&hash, digest);
}

static void add_row(xn_sha256 *hash, const xn_store_object *object, bool is_active) {
    row r;
    memset(&r, 0, sizeof(r));
    r.type = (uint8_t)object->type;
    r.flags = (uint8_t)((is_active ? ROW_ACTIVE : 0) | (object->seal != 0 ? ROW_SEALED : 0));
    r.counter = object->counter;
    r.version = object->version;
    memcpy(r.name, object->name, sizeof(r.name));
    memcpy(r.sha256, object->sha256, sizeof(r.sha256));
    xn_sha256_add(hash, &r, sizeof(r));
}

static int tell_objects(report *to) {
    xn_sha256 hash;
    xn_store_object object;
    uint32_t cursor = 0;
    int more;
    xn_sha256_begin(&hash);
    while ((more = xn_store_next(&cursor, &object)) == 1) {
        bool is_active = strcmp(object.name, xn_store_active()) == 0;
        add_row(&hash, &object, is_active);
        to->objects++;
        if (is_active) {
            memcpy(to->active, object.sha256, sizeof(to->active));
            to->active_counter = object.counter;
        }
    }
    xn_sha256_end(&hash, to->objects_digest);
    return more;
}

static void tell_policy(report *to) {
    const xn_policy *policy = xn_policy_now();
    to->state = (uint8_t)policy->state;
    to->unlocked = xn_policy_unlocked();
    to->policy_flags = (uint8_t)policy->flags;
    to->floor = xn_store_floor();
    memcpy(to->product, policy->product, sizeof(to->product));
    for (uint32_t i = 0; i < XN_POLICY_KEYS; i++) {
        const uint8_t *key = policy->keys[i];
        to->key_ids[i] = xn_policy_is_key(key) ? xn_policy_key_id(key) : 0;
    }
}

// What takes long comes first, and lets others work: the rest is told of one moment.
static int tell(report *to, const uint8_t nonce[32]) {
    memset(to, 0, sizeof(*to));
    hash_firmware(to->firmware);
    memcpy(to->magic, MAGIC, sizeof(to->magic));
    memcpy(to->nonce, nonce, sizeof(to->nonce));
    xn_device_id(to->board);
    memcpy(to->version, XN_VERSION_TEXT, sizeof(XN_VERSION_TEXT));
    to->safe = (uint8_t)xn_safe_now();
    to->resets = xn_port_boot_report()->resets;
    to->sequence = xn_store_next_sequence();
    tell_policy(to);
    return tell_objects(to);
}

int xn_method_attest(xn_call *call, xn_msgpack_writer *out) {
    report told;
    uint8_t signature[64];
    uint32_t n;
    const uint8_t *nonce = xn_call_bin(call, &n);
    int status = xn_call_end(call);
    if (status == XN_OK && n != sizeof(told.nonce)) {
        status = xn_error_limit(XN_E_PARAMS, "bytes of the nonce", n, sizeof(told.nonce));
    }
    if (status == XN_OK) {
        status = xn_device_check();
    }
    if (status == XN_OK) {
        status = tell(&told, nonce);
    }
    if (status != XN_OK) {
        return status;
    }
    xn_device_sign((const uint8_t *)&told, sizeof(told), signature);
    xn_msgpack_put_map(out, 2);
    xn_msgpack_put_text(out, "report");
    xn_msgpack_put_bin(out, &told, sizeof(told));
    xn_msgpack_put_text(out, "signature");
    xn_msgpack_put_bin(out, signature, sizeof(signature));
    return XN_OK;
}

#endif
