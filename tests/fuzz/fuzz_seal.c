// Seals and orders under libFuzzer. An input changes a right one: a byte that says which of the
// two, then pairs of a place and what is put there. What is taken must be right in every byte that
// a rule is about. A signature costs nothing here: it is right if its first byte is 1.
#include <stdlib.h>
#include <string.h>

#include "fuzz_replay.h"
#include "base/xn_error.h"
#include "base/xn_version.h"
#include "trust/xn_device.h"
#include "trust/xn_ed25519.h"
#include "trust/xn_order.h"
#include "trust/xn_policy.h"
#include "trust/xn_seal.h"

#define FLOOR 7u

// ---- In the place of xn_ed25519.c ---------------------------------------------------------------

bool xn_ed25519_check(const uint8_t signature[64], const uint8_t key[32], const uint8_t *message,
                      uint32_t n) {
    return signature[0] == 1 && key[0] != 0 && message != NULL && n == 128u;
}

void xn_ed25519_public(const uint8_t seed[32], uint8_t key[32]) {
    memcpy(key, seed, 32);
}

void xn_ed25519_sign(const uint8_t seed[32], const uint8_t *message, uint32_t n,
                     uint8_t signature[64]) {
    (void)message;
    memset(signature, (int)(seed[0] + n), 64);
}

// ---- What is right ------------------------------------------------------------------------------

static const xn_policy policy = {XN_POLICY_COUNTED, "product", {{1}, {2}}, 0};
static const uint8_t sha256[32] = {5, 6, 7};
static const uint8_t nonce[32] = {9};

static xn_seal right_seal(void) {
    xn_seal seal = {
        .magic = XN_SEAL_MAGIC,
        .kind = 2,
        .counter = FLOOR,
        .minimum_firmware = XN_VERSION_NUMBER,
        .size = 1000,
        .key_id = xn_policy_key_id(policy.keys[1]),
        .product = "product",
        .name = "main.py",
        .signature = {1},
    };
    memcpy(seal.sha256, sha256, sizeof(sha256));
    return seal;
}

static xn_order right_order(void) {
    xn_order order = {
        .magic = XN_ORDER_MAGIC,
        .kind = XN_ORDER_UNLOCK,
        .key_id = xn_policy_key_id(policy.keys[0]),
        .signature = {1},
    };
    xn_device_id(order.board);
    memcpy(order.nonce, nonce, sizeof(nonce));
    return order;
}

static void change(void *what, const uint8_t *data, size_t n) {
    for (size_t i = 0; i + 1 < n; i += 2) {
        ((uint8_t *)what)[data[i] % 192u] = data[i + 1];
    }
}

static void must(bool holds) {
    if (!holds) {
        abort();
    }
}

static int try_seal(const uint8_t *data, size_t n) {
    xn_seal seal = right_seal();
    const xn_seal right = seal;
    const xn_seal_subject subject = {2, "main.py", 1000, sha256, FLOOR};
    change(&seal, data, n);
    int status = xn_seal_check(&seal, &subject);
    if (status == XN_OK) {
        must(seal.counter >= FLOOR && seal.minimum_firmware <= XN_VERSION_NUMBER);
        must(xn_policy_key(seal.key_id) != NULL && seal.signature[0] == 1);
        seal.counter = right.counter;
        seal.minimum_firmware = right.minimum_firmware;
        seal.key_id = right.key_id;
        must(memcmp(&seal, &right, XN_SEAL_SIGNED) == 0);
    }
    return status;
}

static int try_order(const uint8_t *data, size_t n) {
    xn_order order = right_order();
    const xn_order right = order;
    change(&order, data, n);
    int status = xn_order_check(&order, nonce);
    if (status == XN_OK) {
        must(xn_policy_key(order.key_id) != NULL && order.signature[0] == 1);
        order.key_id = right.key_id;
        must(memcmp(&order, &right, XN_ORDER_SIGNED) == 0);
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static const xn_device_key device = {{3}, {4}, "fuzz"};
    char text[XN_ERROR_TEXT_MAX];
    if (n == 0) {
        return 0;
    }
    xn_policy_take(&policy);
    xn_device_take(&device);
    int status = (data[0] & 1u) != 0 ? try_order(data + 1, n - 1) : try_seal(data + 1, n - 1);
    must(n > 1 || status == XN_OK);
    xn_error_text(status, text);
    return 0;
}
