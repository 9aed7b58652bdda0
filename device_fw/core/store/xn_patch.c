#include "store/xn_patch.h"

#include <stdbool.h>

#include "base/xn_error.h"

#define PARAMETER_BITS 4u
#define RAW 14u  // in the place of the first parameter: the new bytes follow
#define SAME 15u // nothing follows
#define ESCAPE 16u
#define GAP_BITS 9u
#define CHANGE_BITS 8u

void xn_patch_begin(xn_patch *patch, const uint8_t *bytes, uint32_t n) {
    patch->bytes = xn_reader_of(bytes, n);
    patch->bits = 0;
    patch->count = 0;
}

// The next n <= 15 bits; false if the patch ends before.
static bool take(xn_patch *patch, uint32_t n, uint32_t *value) {
    while (patch->count < n) {
        const uint8_t *byte = xn_reader_take(&patch->bytes, 1);
        if (byte == NULL) {
            return false;
        }
        patch->bits |= (uint32_t)*byte << patch->count;
        patch->count += 8u;
    }
    *value = patch->bits & ((1u << n) - 1u);
    patch->bits >>= n;
    patch->count -= n;
    return true;
}

// A Rice code: the quotient as ones and a zero, then k bits; after ESCAPE ones the number as it is.
static bool take_number(xn_patch *patch, uint32_t k, uint32_t raw_bits, uint32_t *number) {
    uint32_t bit;
    for (uint32_t quotient = 0; quotient < ESCAPE; quotient++) {
        if (!take(patch, 1, &bit)) {
            return false;
        }
        if (bit == 0) {
            if (!take(patch, k, number)) {
                return false;
            }
            *number |= quotient << k;
            return true;
        }
    }
    return take(patch, raw_bits, number);
}

static bool take_raw(xn_patch *patch, uint8_t *block, uint32_t n) {
    uint32_t value;
    for (uint32_t i = 0; i < n; i++) {
        if (!take(patch, 8, &value)) {
            return false;
        }
        block[i] = (uint8_t)value;
    }
    return true;
}

static int ends_early(uint32_t at) {
    return xn_error_at(XN_E_PARAMS, "patch ends early, byte of its block", at);
}

static int take_changes(xn_patch *patch, uint32_t k_gap, uint8_t *block, uint32_t n) {
    uint32_t k_change;
    uint32_t gap;
    uint32_t change;
    uint32_t at = 0;
    if (!take(patch, PARAMETER_BITS, &k_change)) {
        return ends_early(at);
    }
    while (take_number(patch, k_gap, GAP_BITS, &gap)) {
        if (gap > n - at) {
            return xn_error_limit(XN_E_PARAMS, "patch: gap", gap, n - at);
        }
        at += gap;
        if (at == n) {
            return XN_OK;
        }
        if (!take_number(patch, k_change, CHANGE_BITS, &change)) {
            break;
        }
        uint32_t by = (change >> 1) + 1u;
        block[at] = (uint8_t)((change & 1u) != 0 ? block[at] - by : block[at] + by);
        at++;
    }
    return ends_early(at);
}

int xn_patch_next(xn_patch *patch, uint8_t *block, uint32_t n) {
    uint32_t k_gap;
    if (!take(patch, PARAMETER_BITS, &k_gap)) {
        return ends_early(0);
    }
    if (k_gap == SAME) {
        return XN_OK;
    }
    if (k_gap == RAW) {
        return take_raw(patch, block, n) ? XN_OK : ends_early(0);
    }
    return take_changes(patch, k_gap, block, n);
}

int xn_patch_end(const xn_patch *patch) {
    return patch->bytes.left == 0
               ? XN_OK
               : xn_error_at(XN_E_PARAMS, "patch goes on, bytes", patch->bytes.left);
}
