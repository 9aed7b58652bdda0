#include "store/xn_weights.h"

#include <string.h>

#include "base/xn_bytes.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "store/xn_bundle.h"
#include "store/xn_index.h"
#include "store/xn_store.h"

#define ENDING ".weights"

static bool are_equal(const xn_store_object *weights, const uint8_t sha256[32], uint32_t bytes) {
    return weights->size == bytes && memcmp(weights->sha256, sha256, 32) == 0;
}

bool xn_weights_is_name(const char *name) {
    size_t n = strlen(name), m = sizeof(ENDING) - 1u;
    return n > m && strcmp(name + n - m, ENDING) == 0;
}

// ---- What a blob names ------------------------------------------------------------------------

const xn_blob_object *xn_weights_named(const xn_store_object *blob, uint32_t *count) {
    const uint8_t *bytes = xn_port_flash_map(blob->offset);
    const xn_blob_header *h = (const void *)bytes;
    *count = 0;
    if (blob->type != XN_STORE_BLOB || blob->size < sizeof(*h) || h->object_offset % 4u != 0 ||
        h->object_count > XN_BLOB_OBJECTS ||
        !xn_bytes_in_range(h->object_offset, h->object_count * (uint32_t)sizeof(xn_blob_object),
                           blob->size)) {
        return NULL;
    }
    *count = h->object_count;
    return (const void *)(bytes + h->object_offset);
}

static bool names(const xn_store_object *blob, const xn_store_object *weights) {
    uint32_t count;
    const xn_blob_object *objects = xn_weights_named(blob, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (are_equal(weights, objects[i].sha256, objects[i].bytes)) {
            return true;
        }
    }
    return false;
}

// The same of a bundle's members.
static bool any_names(const xn_store_object *object, const xn_store_object *weights) {
    xn_store_object member;
    bool found = names(object, weights);
    for (uint32_t i = 0; object->type == XN_STORE_BUNDLE && !found &&
                         xn_bundle_member(object, i, NULL, &member) == XN_OK;
         i++) {
        found = names(&member, weights);
    }
    return found;
}

static bool counts(const xn_index_entry *e, enum xn_weights_by by) {
    return by != XN_WEIGHTS_BY_CURRENT || e->state == XN_STORE_CURRENT;
}

static bool is_trusted(const xn_store_object *blob, enum xn_weights_by by) {
    return by != XN_WEIGHTS_BY_SEALED || xn_store_check(blob) == XN_OK;
}

int xn_weights_needed(const xn_store_object *weights, enum xn_weights_by by,
                      xn_store_object *blob) {
    const xn_index *t = &xn_index_now;
    xn_log_record record;
    for (uint32_t i = 0; i < t->count; i++) {
        int status = counts(&t->entries[i], by) ? xn_index_read(i, &record) : 1;
        if (status == XN_OK) {
            xn_index_describe(&record, blob);
            if (any_names(blob, weights) && is_trusted(blob, by)) {
                return 1;
            }
        }
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

// ---- Finding, keeping -------------------------------------------------------------------------

int xn_weights_find(const uint8_t sha256[32], uint32_t bytes, xn_store_object *weights) {
    xn_log_record record;
    int found = XN_OK;
    for (uint32_t i = 0; i < xn_index_now.count; i++) {
        int status = xn_index_read(i, &record);
        if (status != XN_OK) {
            return status;
        }
        xn_index_describe(&record, weights);
        if (weights->type != XN_STORE_WEIGHTS || !are_equal(weights, sha256, bytes)) {
            continue;
        }
        status = xn_store_check_bytes(weights);
        if (status == XN_OK) {
            return XN_OK;
        }
        found = status;
    }
    return found == XN_OK ? xn_error_hash(XN_E_WEIGHTS, sha256, bytes) : found;
}

int xn_weights_entry_needed(uint32_t index, enum xn_weights_by by, xn_store_object *blob) {
    xn_log_record record;
    xn_store_object weights;
    int status = xn_index_read(index, &record);
    if (status != XN_OK || record.type != XN_STORE_WEIGHTS) {
        return status;
    }
    xn_index_describe(&record, &weights);
    return xn_weights_needed(&weights, by, blob);
}

int xn_weights_may_remove(const char *name) {
    xn_log_record record;
    xn_store_object blob;
    uint32_t name_crc = xn_index_name_crc(name);
    for (uint32_t i = 0; i < xn_index_now.count; i++) {
        int is = xn_index_is_named(i, name, name_crc, &record);
        if (is == 1) {
            is = xn_weights_entry_needed(i, XN_WEIGHTS_BY_ANY, &blob);
        }
        if (is != 0) {
            return is < 0 ? is : xn_error_named(XN_E_NEEDED, blob.name, blob.version);
        }
    }
    return XN_OK;
}
