#include "rpc/xn_install.h"

#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_error.h"
#include "base/xn_sha256.h"
#include "store/xn_bundle.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"
#include "store/xn_weights.h"
#include "xn_blob.h"

int xn_install(const xn_store_object *object, const xn_active_how *how, int *golden,
               uint32_t *golden_us) {
    *golden = 0;
    *golden_us = 0;
    if (object->type == XN_STORE_BLOB || object->type == XN_STORE_BUNDLE) {
        return xn_active_install(object, how, golden, golden_us);
    }
    if (how->activate) {
        return xn_error_limit(XN_E_TYPE, "type", object->type, XN_STORE_BLOB);
    }
    if (strcmp(object->name, xn_store_active()) == 0) { // which would be gone, and nobody said so
        return xn_error_rule(XN_E_TYPE, object->name, "the active model's name, type", object->type,
                             XN_STORE_BLOB);
    }
    return xn_upload_commit(false, 0, 0);
}

static bool ends_with(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n > m && memcmp(name + n - m, end, m) == 0;
}

enum xn_store_type xn_install_type(const char *name, const uint8_t *bytes, uint32_t n) {
    uint32_t magic = 0;
    memcpy(&magic, bytes, n < sizeof(magic) ? n : sizeof(magic));
    if (magic == XN_BLOB_MAGIC) {
        return XN_STORE_BLOB;
    }
    if (magic == XN_BUNDLE_MAGIC) {
        return XN_STORE_BUNDLE;
    }
    if (xn_weights_is_name(name)) {
        return XN_STORE_WEIGHTS;
    }
    return ends_with(name, ".py") || ends_with(name, ".mpy") ? XN_STORE_SCRIPT : XN_STORE_DATA;
}

static void describe(xn_store_object *want, const char *name, const uint8_t *bytes, uint32_t n) {
    xn_sha256 hash;
    memset(want, 0, sizeof(*want));
    memcpy(want->name, name, strlen(name)); // no longer than XN_STORE_NAME_MAX
    want->type = xn_install_type(name, bytes, n);
    want->size = n;
    xn_sha256_begin(&hash);
    xn_sha256_add(&hash, bytes, n);
    xn_sha256_end(&hash, want->sha256);
}

static int install_bytes(const char *name, const uint8_t *bytes, uint32_t n) {
    xn_store_object object;
    const xn_active_how how = {.limit_ms = XN_RUNNER_LIMIT_MS};
    bool have;
    bool resumed;
    int golden;
    uint32_t golden_us;
    describe(&object, name, bytes, n);
    int status = xn_upload_begin(&object, &have, &resumed);
    if (status == XN_OK && !have) {
        status = xn_upload_write(0, bytes, n);
    }
    if (status == XN_OK) {
        status = xn_upload_verify(&object);
    }
    return status == XN_OK ? xn_install(&object, &how, &golden, &golden_us) : status;
}

int xn_install_bytes(const char *name, const uint8_t *bytes, uint32_t n) {
    xn_busy_begin();
    int status = install_bytes(name, bytes, n);
    xn_busy_end();
    return status;
}
