#include "trust/xn_seal.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_error.h"
#include "base/xn_version.h"
#include "trust/xn_ed25519.h"
#include "trust/xn_policy.h"

// Checks the bytes that have one value only. 0: they have it; else the number of the first that has
// not, counted from 1.
static uint32_t find_unknown(const xn_seal *seal) {
    static const struct {
        uint8_t at, n;
    } reserved[] = {
        {offsetof(xn_seal, flags), 3},
        {offsetof(xn_seal, reserved2), sizeof(seal->reserved2)},
        {offsetof(xn_seal, reserved3), sizeof(seal->reserved3)},
    };
    const uint8_t *bytes = (const uint8_t *)seal;
    for (uint32_t i = 0; i < sizeof(seal->magic); i++) {
        if (seal->magic[i] != XN_SEAL_MAGIC[i]) {
            return i + 1u;
        }
    }
    for (uint32_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        for (uint32_t at = reserved[i].at; at < (uint32_t)reserved[i].at + reserved[i].n; at++) {
            if (bytes[at] != 0) {
                return at + 1u;
            }
        }
    }
    return 0;
}

// The first character, counted from 1, that differs from the wanted text, whose end is filled up
// with 0; 0: none.
static uint32_t find_difference(const char *text, const char *wanted, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (text[i] != *wanted) {
            return i + 1u;
        }
        wanted += *wanted != 0;
    }
    return 0;
}

static int check_signed(const xn_seal *seal, const char *name) {
    uint32_t unknown = find_unknown(seal);
    if (unknown != 0) {
        return xn_error_rule(XN_E_SEAL, name, "magic, flag or reserved byte", unknown - 1u, 0);
    }
    const uint8_t *key = xn_policy_key(seal->key_id);
    if (key == NULL) {
        return xn_error_rule(XN_E_SEAL, name, "unknown key", seal->key_id, 0);
    }
    xn_busy_begin_apart();
    bool right = xn_ed25519_check(seal->signature, key, (const uint8_t *)seal, XN_SEAL_SIGNED);
    xn_busy_end_apart();
    return right ? XN_OK
                 : xn_error_rule(XN_E_SEAL, name, "wrong signature by key", seal->key_id, 0);
}

static int check_board(const xn_seal *seal, const xn_seal_subject *subject) {
    const char *name = subject->name;
    if (seal->counter < subject->floor) {
        return xn_error_rule(XN_E_COUNTER, name, "counter", seal->counter, subject->floor);
    }
    const char *product = xn_policy_now()->product;
    uint32_t differs = find_difference(seal->product, product, sizeof(seal->product));
    if (differs != 0 || product[0] == 0) {
        return xn_error_rule(XN_E_SEAL, name, "for another product, character", differs, 0);
    }
    return XN_OK;
}

static int check_object(const xn_seal *seal, const xn_seal_subject *subject) {
    const char *name = subject->name;
    if (seal->kind != subject->type) {
        return xn_error_rule(XN_E_SEAL, name, "for another kind:", seal->kind, subject->type);
    }
    uint32_t differs = find_difference(seal->name, name, sizeof(seal->name));
    if (differs != 0) {
        return xn_error_rule(XN_E_SEAL, name, "for another name, character", differs, 0);
    }
    if (seal->minimum_firmware > XN_VERSION_NUMBER) {
        return xn_error_rule(XN_E_SEAL, name, "needs firmware", seal->minimum_firmware,
                             XN_VERSION_NUMBER);
    }
    if (seal->size != subject->size) {
        return xn_error_rule(XN_E_SEAL, name, "for another size:", seal->size, subject->size);
    }
    return memcmp(seal->sha256, subject->sha256, sizeof(seal->sha256)) == 0
               ? XN_OK
               : xn_error_rule(XN_E_SEAL, name, "for other bytes, as many:", seal->size, 0);
}

int xn_seal_check(const xn_seal *seal, const xn_seal_subject *subject) {
    int status = check_signed(seal, subject->name);
    if (status == XN_OK) {
        status = check_board(seal, subject);
    }
    return status == XN_OK ? check_object(seal, subject) : status;
}
