#include "store/xn_bundle.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "store/xn_log.h"

#define RIGHT UINT32_MAX // in the place of the byte that breaks a rule

static uint32_t align(uint32_t offset) {
    return (offset + XN_BUNDLE_ALIGN - 1u) & ~(XN_BUNDLE_ALIGN - 1u);
}

static const xn_bundle_row *row_of(const uint8_t *bytes, uint32_t i) {
    return (const void *)(bytes + sizeof(xn_bundle_header) + i * sizeof(xn_bundle_row));
}

static uint32_t offset_of_row(uint32_t i) {
    return (uint32_t)(sizeof(xn_bundle_header) + i * sizeof(xn_bundle_row));
}

// ---- Header and rows: the byte of the field that breaks a rule ----------------------------------

static uint32_t check_header(const uint8_t *bytes, uint32_t n) {
    const xn_bundle_header *h = (const void *)bytes;
    if (n < sizeof(*h)) {
        return n;
    }
    return h->magic != XN_BUNDLE_MAGIC                   ? offsetof(xn_bundle_header, magic)
           : h->version != XN_BUNDLE_VERSION             ? offsetof(xn_bundle_header, version)
           : h->count - 1u >= XN_BUNDLE_MEMBERS          ? offsetof(xn_bundle_header, count)
           : h->size != n || offset_of_row(h->count) > n ? offsetof(xn_bundle_header, size)
           : h->reserved != 0                            ? offsetof(xn_bundle_header, reserved)
                                                         : RIGHT;
}

// A name greater than the one before, if that is not the first's, and not the first's.
static bool is_in_order(const uint8_t *bytes, uint32_t i) {
    const char *name = row_of(bytes, i)->name;
    return i == 0 || (strcmp(name, row_of(bytes, 0)->name) != 0 &&
                      (i == 1u || strcmp(name, row_of(bytes, i - 1u)->name) > 0));
}

// Row i, before whose member the bytes end at *end; then its own.
static uint32_t check_row(const uint8_t *bytes, uint32_t i, uint32_t n, uint32_t *end) {
    const xn_bundle_row *row = row_of(bytes, i);
    uint32_t at = align(*end);
    *end = row->offset + row->size;
    return !xn_log_is_name(row->name) || memchr(row->name, '/', sizeof(row->name)) != NULL ||
                   !is_in_order(bytes, i)
               ? offsetof(xn_bundle_row, name)
           : row->type - 1u >= (i == 0 ? 1u : XN_STORE_DATA) ? offsetof(xn_bundle_row, type)
           : row->offset != at || at >= n                    ? offsetof(xn_bundle_row, offset)
           : row->size - 1u >= n - at                        ? offsetof(xn_bundle_row, size)
                                                             : RIGHT;
}

int xn_bundle_check(const uint8_t *bytes, uint32_t n) {
    uint32_t end = 1; // the rows end before the first multiple, at which the first member begins
    uint32_t at = check_header(bytes, n);
    uint32_t count = at == RIGHT ? ((const xn_bundle_header *)(const void *)bytes)->count : 0;
    for (uint32_t i = 0; i < count && at == RIGHT; i++) {
        at = check_row(bytes, i, n, &end);
        at = at == RIGHT ? at : at + offset_of_row(i);
    }
    at = at == RIGHT && end != n ? end : at;
    return at == RIGHT ? (int)count : xn_error_at(XN_E_BUNDLE, "byte", at);
}

// ---- Members ----------------------------------------------------------------------------------

// Gives a member its name in the store.
static int describe(const xn_store_object *bundle, const xn_bundle_row *row,
                    xn_store_object *member) {
    uint32_t n = (uint32_t)strlen(bundle->name);
    uint32_t length = n + 1u + (uint32_t)strlen(row->name);
    if (length > XN_STORE_NAME_MAX) {
        return xn_error_limit(XN_E_NAME, "length", length, XN_STORE_NAME_MAX);
    }
    *member = *bundle;
    member->name[n] = '/';
    memcpy(member->name + n + 1u, row->name, length - n); // with its end
    member->type = row->type;
    member->size = row->size;
    member->offset = bundle->offset + row->offset;
    memcpy(member->sha256, row->sha256, sizeof(member->sha256));
    return XN_OK;
}

int xn_bundle_member(const xn_store_object *bundle, uint32_t index, const char *name,
                     xn_store_object *member) {
    const uint8_t *bytes = xn_port_flash_map(bundle->offset);
    int count = xn_bundle_check(bytes, bundle->size);
    for (int i = 0; i < count; i++) {
        const xn_bundle_row *row = row_of(bytes, (uint32_t)i);
        if (name == NULL ? (uint32_t)i == index : strcmp(row->name, name) == 0) {
            return describe(bundle, row, member);
        }
    }
    return count < 0 ? count : XN_E_NOT_FOUND;
}
