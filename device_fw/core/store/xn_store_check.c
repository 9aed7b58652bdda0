// Whether an object's bytes in flash are still those that were stored.
#include <stddef.h>
#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_error.h"
#include "base/xn_sha256.h"
#include "store/xn_index.h"
#include "store/xn_store.h"

// An entry in whose extent the object is, of a member that of its bundle: those that share one have
// the same bytes. NULL: none.
static xn_index_entry *entry_of(const xn_store_object *object) {
    xn_index *t = &xn_index_now;
    for (uint32_t i = 0; i < t->count; i++) {
        xn_index_entry *e = &t->entries[i];
        if (object->offset - xn_index_offset(e) < xn_index_bytes(e)) {
            return e;
        }
    }
    return NULL;
}

enum xn_store_health xn_store_health(const xn_store_object *object) {
    const xn_index_entry *e = entry_of(object);
    return e == NULL ? XN_STORE_UNREAD : (enum xn_store_health)e->health;
}

enum xn_store_health xn_store_compare(const xn_store_object *object) {
    uint8_t digest[32];
    xn_sha256_of(xn_store_map(object), object->size, digest, xn_busy_pause);
    return memcmp(digest, object->sha256, sizeof(digest)) == 0 ? XN_STORE_WHOLE : XN_STORE_DAMAGED;
}

// `sealed`: its seal is asked for, too. What is known afterwards includes the seal.
static int check(const xn_store_object *object, bool sealed) {
    enum xn_store_health health = xn_store_health(object);
    int status = sealed ? xn_store_is_taken(object) : XN_OK;
    if (status == XN_OK && health == XN_STORE_UNREAD) {
        health = xn_store_compare(object);
        int seal = health == XN_STORE_WHOLE ? xn_store_check_seal(object) : XN_OK;
        xn_index_entry *e = entry_of(object); // hashing lets others work: it may be elsewhere now
        bool is_all = e != NULL && xn_index_offset(e) == object->offset;
        if (seal == XN_OK && is_all) {
            e->health = health & 3u;
        }
        status = sealed ? seal : XN_OK;
    }
    if (status != XN_OK || health == XN_STORE_WHOLE) {
        return status;
    }
    return xn_error_named(XN_E_DAMAGED, object->name, object->version);
}

int xn_store_check(const xn_store_object *object) {
    return check(object, true);
}

int xn_store_check_bytes(const xn_store_object *object) {
    return check(object, false);
}

int xn_store_find_whole(const char *name, xn_store_object *object) {
    int status = xn_store_find(name, object);
    return status != XN_OK ? status : xn_store_check(object);
}
