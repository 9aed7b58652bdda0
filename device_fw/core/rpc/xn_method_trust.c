// The methods of docs/SPEC-trust.md on the policy, the board's key and orders.
#if XN_LOCKABLE

#include <stddef.h>
#include <string.h>

#include "base/xn_bytes.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "rpc/xn_method.h"
#include "store/xn_store.h"
#include "trust/xn_device.h"
#include "trust/xn_order.h"
#include "trust/xn_policy.h"

#define KEY_BYTES 32u

// A bin of so many bytes, or XN_E_PARAMS.
static int check_bytes(const char *what, uint32_t n, uint32_t wanted) {
    return n == wanted ? XN_OK : xn_error_limit(XN_E_PARAMS, what, n, wanted);
}

// ---- The policy that holds ----------------------------------------------------------------------

// Weights need none: a blob that names them is sealed, or counts.
static bool needs_seal(const xn_store_object *object) {
    return object->type != XN_STORE_WEIGHTS || object->seal != 0;
}

// How many current objects a locked board would refuse. Their signatures are checked.
static int count_unsealed(uint32_t *count) {
    xn_store_object object;
    uint32_t cursor = 0;
    int more;
    *count = 0;
    while ((more = xn_store_next(&cursor, &object)) == 1) {
        *count += needs_seal(&object) && xn_store_seal_holds(&object) != XN_OK;
    }
    return more;
}

static void put_keys(xn_msgpack_writer *out, const xn_policy *policy) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < XN_POLICY_KEYS; i++) {
        count += xn_policy_is_key(policy->keys[i]);
    }
    xn_msgpack_put_text(out, "keys");
    xn_msgpack_put_array(out, count);
    for (uint32_t i = 0; i < XN_POLICY_KEYS; i++) {
        if (xn_policy_is_key(policy->keys[i])) {
            xn_msgpack_put_bin(out, policy->keys[i], KEY_BYTES);
        }
    }
}

static void put_device(xn_msgpack_writer *out) {
    uint8_t id[16];
    const xn_device_key *device = xn_device_now();
    xn_msgpack_put_text(out, "board");
    if (device == NULL) {
        xn_msgpack_put_nil(out);
    } else {
        xn_device_id(id);
        xn_msgpack_put_bin(out, id, sizeof(id));
    }
    xn_msgpack_put_text(out, "device");
    if (device == NULL) {
        xn_msgpack_put_nil(out);
    } else {
        xn_msgpack_put_bin(out, device->key, sizeof(device->key));
    }
    xn_call_put_text(out, "source", device == NULL ? "" : device->source);
}

int xn_method_trust(xn_call *call, xn_msgpack_writer *out) {
    uint32_t unsealed = 0;
    int status = xn_call_end(call);
    if (status == XN_OK && xn_store_status() == XN_OK) {
        status = count_unsealed(&unsealed);
    }
    if (status != XN_OK) {
        return status;
    }
    const xn_policy *policy = xn_policy_now();
    xn_msgpack_put_map(out, 10);
    xn_call_put_u32(out, "state", policy->state);
    xn_call_put_text(out, "product", policy->product);
    put_keys(out, policy);
    xn_call_put_bool(out, "reads", (policy->flags & XN_POLICY_READS) != 0);
    xn_call_put_u32(out, "floor", xn_store_floor());
    xn_call_put_bool(out, "unlocked", xn_policy_unlocked());
    put_device(out);
    xn_call_put_u32(out, "unsealed", unsealed);
    return XN_OK;
}

// ---- Another policy -----------------------------------------------------------------------------

static int read_keys(xn_reader *items, uint32_t count, xn_policy *policy) {
    const uint8_t *key;
    uint32_t n;
    if (count > XN_POLICY_KEYS) {
        return xn_error_limit(XN_E_TRUST, "keys", count, XN_POLICY_KEYS);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (xn_msgpack_read_bin(items, &key, &n) != XN_OK) {
            return xn_error_at(XN_E_PARAMS, "not a bin: key", i);
        }
        int status = check_bytes("bytes of a key", n, KEY_BYTES);
        if (status != XN_OK) {
            return status;
        }
        memcpy(policy->keys[i], key, KEY_BYTES);
        if (!xn_policy_is_key(policy->keys[i])) {
            return xn_error_at(XN_E_TRUST, "all 0: key", i);
        }
    }
    return XN_OK;
}

static int read_product(const char *product, uint32_t n, xn_policy *policy) {
    if (n > XN_POLICY_PRODUCT_MAX) {
        return xn_error_limit(XN_E_TRUST, "bytes of the product", n, XN_POLICY_PRODUCT_MAX);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (product[i] < ' ' || product[i] > '~') {
            return xn_error_at(XN_E_TRUST, "character of the product", (uint8_t)product[i]);
        }
    }
    memcpy(policy->product, product, n);
    return XN_OK;
}

static int check_policy(const xn_policy *policy) {
    const xn_policy *built_in = xn_port_policy();
    if (built_in != NULL && policy->state < built_in->state) {
        return xn_error_limit(XN_E_TRUST, "state, of the firmware is another: state", policy->state,
                              built_in->state);
    }
    if (policy->state == XN_POLICY_OPEN) {
        return XN_OK;
    }
    if (policy->product[0] == 0) {
        return xn_error_plain(XN_E_TRUST, "there is no product");
    }
    if (!xn_policy_is_key(policy->keys[0])) {
        return xn_error_plain(XN_E_TRUST, "there is no key");
    }
    if (policy->state == XN_POLICY_WARN) {
        return XN_OK;
    }
    for (uint32_t i = 0; i < XN_POLICY_KEYS; i++) {
        if (xn_policy_is_development(policy->keys[i])) {
            return xn_error_plain(XN_E_TRUST, "the secret of the development key is known");
        }
    }
    return xn_device_check();
}

// What starts by itself: a locked board without it would not be what it is.
static int check_starters(void) {
    const char *const names[] = {xn_store_active(), "boot.py", "boot.mpy", "main.py", "main.mpy"};
    xn_store_object object;
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int status = names[i][0] == 0 ? XN_E_NOT_FOUND : xn_store_find(names[i], &object);
        if (status == XN_OK) {
            status = xn_store_seal_holds(&object);
        }
        if (status != XN_OK && status != XN_E_NOT_FOUND) {
            return status;
        }
    }
    return XN_OK;
}

// The seals are checked against the policy that holds: for that time it is the new one.
static int check_sealed_for(const xn_policy *policy) {
    const xn_policy before = *xn_policy_now();
    xn_policy_take(policy);
    int status = check_starters();
    xn_policy_take(&before);
    return status;
}

int xn_method_trust_set(xn_call *call, xn_msgpack_writer *out) {
    xn_policy policy = {0};
    xn_reader keys = {0};
    uint32_t count = 0;
    uint32_t n;
    uint32_t state = xn_call_u32(call);
    const char *product = xn_call_str(call, &n);
    call->failed = call->failed || call->left == 0;
    (void)xn_call_array_or_nil(call, &keys, &count);
    policy.flags = xn_call_bool_or(call, false) ? XN_POLICY_READS : 0;
    int status = xn_call_end(call);
    if (status == XN_OK && state > XN_POLICY_COUNTED) {
        status = xn_error_limit(XN_E_TRUST, "state", state, XN_POLICY_COUNTED);
    }
    policy.state = (uint16_t)state;
    if (status == XN_OK) {
        status = read_product(product, n, &policy);
    }
    if (status == XN_OK) {
        status = read_keys(&keys, count, &policy);
    }
    if (status == XN_OK) {
        status = check_policy(&policy);
    }
    if (status == XN_OK && policy.state >= XN_POLICY_LOCKED) {
        status = check_sealed_for(&policy);
    }
    if (policy.state == XN_POLICY_OPEN) {
        memset(policy.keys, 0, sizeof(policy.keys));
    }
    if (status == XN_OK) {
        status = xn_store_keep_policy(&policy);
    }
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

// ---- The board's own key ------------------------------------------------------------------------

int xn_method_device_seed(xn_call *call, xn_msgpack_writer *out) {
    xn_device_key key;
    uint32_t n;
    const uint8_t *seed = xn_call_bin(call, &n);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = check_bytes("bytes of the seed", n, sizeof(key.seed));
    }
    if (status == XN_OK && xn_device_now() != NULL) {
        status = xn_error_plain(XN_E_TRUST, "the board has a key of its own already");
    }
    if (status != XN_OK) {
        return status;
    }
    status = xn_device_make(seed, &key);
    if (status == XN_OK) {
        status = xn_store_keep_device(&key);
    }
    xn_bytes_wipe(&key, sizeof(key));
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

// ---- Orders -------------------------------------------------------------------------------------

// Of the last challenge, until an order with it was taken.
static struct {
    bool is_said;
    uint8_t nonce[32];
} challenge;

int xn_method_challenge(xn_call *call, xn_msgpack_writer *out) {
    uint8_t board[16];
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = xn_device_check();
    }
    if (status != XN_OK) {
        return status;
    }
    xn_device_id(board);
    xn_device_nonce(xn_store_next_sequence(), challenge.nonce);
    challenge.is_said = true;
    xn_msgpack_put_map(out, 2);
    xn_msgpack_put_text(out, "board");
    xn_msgpack_put_bin(out, board, sizeof(board));
    xn_msgpack_put_text(out, "nonce");
    xn_msgpack_put_bin(out, challenge.nonce, sizeof(challenge.nonce));
    return XN_OK;
}

// An order that was taken changed the log: its nonce is not said again, whatever happens next.
static int take(const xn_order *order) {
    if (xn_policy_now()->state < XN_POLICY_LOCKED) {
        return xn_error_plain(XN_E_TRUST, "the board is not locked");
    }
    if (!challenge.is_said) {
        return xn_error_plain(XN_E_TRUST, "there was no challenge");
    }
    int status = xn_order_check(order, challenge.nonce);
    if (status == XN_OK) {
        status = xn_store_note_unlock(order->key_id);
    }
    if (status == XN_OK) {
        challenge.is_said = false;
        xn_policy_unlock();
    }
    return status;
}

int xn_method_unlock(xn_call *call, xn_msgpack_writer *out) {
    xn_order order;
    uint32_t n;
    const uint8_t *bytes = xn_call_bin(call, &n);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = check_bytes("bytes of the order", n, sizeof(order));
    }
    if (status != XN_OK) {
        return status;
    }
    memcpy(&order, bytes, sizeof(order));
    status = take(&order);
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

#endif
