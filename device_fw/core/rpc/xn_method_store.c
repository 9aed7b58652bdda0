// The methods of SPEC-wire that work on the store.
#include <string.h>

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "base/xn_reader.h"
#include "model/xn_active.h"
#include "rpc/xn_install.h"
#include "rpc/xn_method.h"
#include "rpc/xn_session.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"
#include "store/xn_weights.h"

#define ITEMS_MAX 15u // of one reply to ls: an array of one head byte
#define ITEM_BYTES (XN_STORE_NAME_MAX + (XN_LOCKABLE ? 125u : 100u))
#define NEED_BYTES 34u // of each object that a blob needs

// ---- Looking ----------------------------------------------------------------------------------

#if XN_LOCKABLE
void xn_method_put_seal(xn_msgpack_writer *out, const xn_store_object *object) {
    xn_call_put_bool(out, "sealed", object->seal != 0);
    xn_call_put_u32(out, "counter", object->counter);
}
#endif

static void put_object(xn_msgpack_writer *out, const xn_store_object *object) {
    uint32_t count;
    const xn_blob_object *needs = xn_weights_named(object, &count);
    xn_msgpack_put_map(out, 7u + XN_METHOD_SEAL_ENTRIES + (count > 0));
    xn_call_put_text(out, "name", object->name);
    xn_call_put_u32(out, "type", object->type);
    xn_call_put_u32(out, "size", object->size);
    xn_msgpack_put_text(out, "sha256");
    xn_msgpack_put_bin(out, object->sha256, sizeof(object->sha256));
    xn_call_put_u32(out, "version", object->version);
    xn_call_put_bool(out, "active", strcmp(object->name, xn_store_active()) == 0);
    xn_call_put_u32(out, "health", xn_store_health(object));
    xn_method_put_seal(out, object);
    if (count > 0) {
        xn_msgpack_put_text(out, "needs");
        xn_msgpack_put_array(out, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        xn_msgpack_put_bin(out, needs[i].sha256, sizeof(needs[i].sha256));
    }
}

static uint32_t item_bytes(const xn_store_object *object) {
    uint32_t count;
    (void)xn_weights_named(object, &count);
    return ITEM_BYTES + count * NEED_BYTES + 10u; // the key, and the array's head
}

// Finds object number `first`: 1: *object is it, 0: there are fewer, or an error.
static int seek(uint32_t first, uint32_t *cursor, xn_store_object *object) {
    int more = xn_store_next(cursor, object);
    for (uint32_t i = 0; i < first && more == 1; i++) {
        more = xn_store_next(cursor, object);
    }
    return more;
}

int xn_method_ls(xn_call *call, xn_msgpack_writer *out) {
    xn_store_object object;
    uint32_t cursor = 0;
    uint32_t first = xn_call_u32_or(call, 0);
    int status = xn_call_end(call);
    if (status != XN_OK) {
        return status;
    }
    // The count goes into one byte, once it is known.
    uint32_t head = out->used;
    uint32_t count = 0;
    uint32_t room = out->size - out->used;
    xn_msgpack_put_array(out, 0);
    int more = seek(first, &cursor, &object);
    while (more == 1 && count < ITEMS_MAX && out->used - head + item_bytes(&object) < room) {
        put_object(out, &object);
        count++;
        more = xn_store_next(&cursor, &object);
    }
    if (more < 0) {
        return more;
    }
    out->start[head] = (uint8_t)(0x90u | count);
    return XN_OK;
}

// Bytes of flash: [offset, offset + n) of the `size` at `start`, fewer at their end.
static int put_bytes(xn_msgpack_writer *out, uint32_t start, uint32_t size, uint32_t offset,
                     uint32_t n) {
    if (offset > size) {
        return xn_error_limit(XN_E_RANGE, "offset", offset, size);
    }
    n = n < size - offset ? n : size - offset;
    uint8_t *to = xn_msgpack_put_bin_space(out, n);
    return to == NULL ? XN_E_TOO_LONG : xn_port_flash_read(start + offset, to, n);
}

int xn_method_get(xn_call *call, xn_msgpack_writer *out) {
    xn_store_object object;
    char name[XN_STORE_NAME_MAX + 1];
    xn_call_name(call, name, sizeof(name));
    uint32_t offset = xn_call_u32(call);
    uint32_t n = xn_call_u32(call);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = xn_store_find_whole(name, &object);
    }
    return status != XN_OK ? status : put_bytes(out, object.offset, object.size, offset, n);
}

static int put_raw(xn_msgpack_writer *out, uint32_t at, uint32_t n) {
    uint32_t size = xn_port_flash_geometry()->size_bytes;
    int status = put_bytes(out, 0, size, at, n);
#if XN_LOCKABLE
    if (status == XN_OK) { // the same without secrets, at the same place
        n = n < size - at ? n : size - at;
        status = xn_store_read_raw(at, out->start + out->used - n, n);
    }
#endif
    return status;
}

int xn_method_flash_read(xn_call *call, xn_msgpack_writer *out) {
    uint32_t at = xn_call_u32(call);
    uint32_t n = xn_call_u32(call);
    int status = xn_call_end(call);
    return status != XN_OK ? status : put_raw(out, at, n);
}

// ---- Uploading --------------------------------------------------------------------------------

#if XN_LOCKABLE

// The next parameter: a seal, nil or nothing.
static int read_seal(xn_call *call, xn_seal *seal, bool *given) {
    const uint8_t *bytes;
    uint32_t n;
    xn_msgpack_value value = {.type = XN_MSGPACK_NIL};
    if (call->left > 0) {
        xn_call_any(call, &bytes, &n);
        xn_reader r = xn_reader_of(bytes, n);
        call->failed = call->failed || xn_msgpack_read(&r, &value) != XN_OK ||
                       (value.type != XN_MSGPACK_NIL && value.type != XN_MSGPACK_BIN);
    }
    int status = xn_call_end(call);
    *given = status == XN_OK && value.type == XN_MSGPACK_BIN;
    if (*given && value.count != sizeof(*seal)) {
        return xn_error_limit(XN_E_SEAL, "bytes", value.count, sizeof(*seal));
    }
    if (*given) {
        memcpy(seal, value.bytes, sizeof(*seal));
    }
    return status;
}

#endif

int xn_method_put_begin(xn_call *call, xn_msgpack_writer *out) {
    xn_store_object want;
    bool have;
    uint32_t n;
    xn_call_name(call, want.name, sizeof(want.name));
    want.type = xn_call_u32(call);
    want.size = xn_call_u32(call);
    want.version = want.offset = 0;
    bool resumed;
    const uint8_t *sha256 = xn_call_bin(call, &n);
#if XN_LOCKABLE
    xn_seal seal;
    bool is_sealed;
    int status = read_seal(call, &seal, &is_sealed);
#else
    int status = xn_call_end(call);
#endif
    if (status == XN_OK && n != sizeof(want.sha256)) {
        status = xn_error_limit(XN_E_PARAMS, "sha256 bytes", n, sizeof(want.sha256));
    }
    if (status != XN_OK) {
        return status;
    }
    memcpy(want.sha256, sha256, sizeof(want.sha256));
    status = xn_session_take_upload();
    if (status == XN_OK) {
#if XN_LOCKABLE
        status = xn_upload_begin_sealed(&want, is_sealed ? &seal : NULL, &have, &resumed);
#else
        status = xn_upload_begin(&want, &have, &resumed);
#endif
    }
    if (status != XN_OK) {
        return status;
    }
    xn_msgpack_put_map(out, 5);
    xn_call_put_bool(out, "have", have);
    xn_call_put_u32(out, "session", xn_upload_ticket());
    xn_call_put_u32(out, "offset", 0);
    xn_call_put_u32(out, "at", want.offset);
    xn_call_put_bool(out, "resumed", resumed);
    return XN_OK;
}

static int check_session(uint32_t wanted) {
    uint32_t session = xn_upload_ticket();
    return session == 0 || wanted != session || !xn_session_has_upload()
               ? xn_error_limit(XN_E_SESSION, "session", wanted, session)
               : XN_OK;
}

int xn_method_put_data(xn_call *call, xn_msgpack_writer *out) {
    uint32_t n;
    uint32_t wanted = xn_call_u32(call);
    uint32_t offset = xn_call_u32(call);
    const uint8_t *data = xn_call_bin(call, &n);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = check_session(wanted);
    }
    if (status == XN_OK) {
        status = xn_upload_write(offset, data, n);
    }
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

#if XN_LOCKABLE
bool xn_method_may_use(uint32_t at, uint32_t n) {
    return xn_policy_locked() ? xn_store_within_live(at, n) : xn_store_within(at, n);
}
#endif

static int copy(uint32_t offset, uint32_t from, uint32_t n, xn_patch *patch) {
#if XN_LOCKABLE
    bool zeros = patch != NULL && from == XN_UPLOAD_ZEROS;
    if (!zeros && !xn_method_may_use(from, n)) {
        return xn_error_at(XN_E_RANGE, "from", from);
    }
#endif
    return xn_upload_copy(offset, from, n, patch);
}

int xn_method_put_copy(xn_call *call, xn_msgpack_writer *out) {
    uint32_t wanted = xn_call_u32(call);
    uint32_t offset = xn_call_u32(call);
    uint32_t from = xn_call_u32(call);
    uint32_t n = xn_call_u32(call);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = check_session(wanted);
    }
    if (status == XN_OK) {
        status = copy(offset, from, n, NULL);
    }
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

int xn_method_put_patch(xn_call *call, xn_msgpack_writer *out) {
    xn_patch patch;
    uint32_t bytes;
    uint32_t wanted = xn_call_u32(call);
    uint32_t offset = xn_call_u32(call);
    uint32_t from = xn_call_u32(call);
    uint32_t n = xn_call_u32(call);
    const uint8_t *data = xn_call_bin(call, &bytes);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = check_session(wanted);
    }
    if (status == XN_OK) {
        xn_patch_begin(&patch, data, bytes);
        status = copy(offset, from, n, &patch);
    }
    if (status == XN_OK) {
        status = xn_patch_end(&patch);
    }
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

typedef struct installed {
    xn_store_object object;
    int golden;
    uint32_t golden_us;
    uint32_t pause_us;
} installed;

static int install(installed *as, const xn_active_how *how) {
    int status = xn_upload_verify(&as->object);
    return status != XN_OK ? status : xn_install(&as->object, how, &as->golden, &as->golden_us);
}

static void put_installed(xn_msgpack_writer *out, const installed *as) {
    bool active = strcmp(as->object.name, xn_store_active()) == 0;
    xn_msgpack_put_map(out, 7);
    xn_call_put_text(out, "name", as->object.name);
    xn_call_put_u32(out, "version", as->object.version);
    xn_call_put_bool(out, "active", active);
    xn_call_put_bool(out, "golden", as->golden == 1);
    xn_call_put_u32(out, "golden_us", as->golden_us);
    xn_call_put_bool(out, "pending", active && xn_store_on_trial() != NULL);
    xn_call_put_u32(out, "pause_us", as->pause_us);
}

int xn_method_put_end(xn_call *call, xn_msgpack_writer *out) {
    installed as;
    xn_active_how how;
    uint32_t wanted = xn_call_u32(call);
    how.activate = xn_call_bool_or(call, false);
    how.confirm_s = xn_call_u32_or(call, 0);
    how.boots = xn_call_u32_or(call, 0);
    how.limit_ms = xn_call_u32_or(call, XN_RUNNER_LIMIT_MS);
    int status = xn_call_end(call);
    if (status == XN_OK && how.limit_ms - 1u >= XN_RUNNER_LIMIT_MAX_MS) {
        status = xn_error_limit(XN_E_PARAMS, "limit_ms, at least 1, is", how.limit_ms,
                                XN_RUNNER_LIMIT_MAX_MS);
    }
    if (status == XN_OK) {
        status = check_session(wanted);
    }
    if (status != XN_OK) {
        return status;
    }
    xn_active_swap_begin();
    status = install(&as, &how);
    as.pause_us = xn_active_swap_end();
    if (status == XN_OK) {
        put_installed(out, &as);
    }
    return status;
}

// ---- Changing ---------------------------------------------------------------------------------

static int by_name(xn_call *call, xn_msgpack_writer *out, int (*change)(const char *name)) {
    char name[XN_STORE_NAME_MAX + 1];
    xn_call_name(call, name, sizeof(name));
    int status = xn_call_end(call);
    if (status == XN_OK) {
        status = change(name);
    }
    if (status == XN_OK) {
        xn_msgpack_put_nil(out);
    }
    return status;
}

int xn_method_rm(xn_call *call, xn_msgpack_writer *out) {
    return by_name(call, out, xn_active_remove);
}

int xn_method_activate(xn_call *call, xn_msgpack_writer *out) {
    xn_store_object object;
    char name[XN_STORE_NAME_MAX + 1];
    xn_call_name(call, name, sizeof(name));
    uint32_t confirm_s = xn_call_u32_or(call, 0);
    uint32_t boots = xn_call_u32_or(call, 0);
    int status = xn_call_end(call);
    if (status != XN_OK) {
        return status;
    }
    xn_active_swap_begin();
    status = xn_active_set_on_trial(name, confirm_s, boots);
    uint32_t pause_us = xn_active_swap_end();
    if (status == XN_OK) {
        status = xn_store_find(name, &object);
    }
    if (status == XN_OK) {
        xn_msgpack_put_map(out, 3);
        xn_call_put_u32(out, "version", object.version);
        xn_call_put_bool(out, "pending", xn_store_on_trial() != NULL);
        xn_call_put_u32(out, "pause_us", pause_us);
    }
    return status;
}
