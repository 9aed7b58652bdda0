#include "xn_active.h"

#include <stddef.h>
#include <string.h>

#include "xn_error.h"

// Two models, so that the next one can be opened beside the one that is active.
static xn_model models[2];
static struct {
    uint32_t index; // of the active model
    bool is_open;
    xn_store_object object; // its object, where it is open
} now;

static int open_object(xn_model *model, const xn_store_object *object) {
    if (object->type != XN_STORE_BLOB) {
        return xn_error_limit(XN_E_TYPE, "type", object->type, XN_STORE_BLOB);
    }
    return xn_runner_open(model, xn_store_map(object), object->size);
}

static xn_model *other(void) {
    return &models[now.index ^ 1u];
}

// Opens the other model. Where there is no room for both arenas the active one is closed first;
// settle() opens it again if it is still wanted then.
static int open_beside(const xn_store_object *object) {
    int status = open_object(other(), object);
    if (status == XN_E_ARENA && now.is_open) {
        xn_runner_close(&models[now.index]);
        status = open_object(other(), object);
    }
    return status;
}

// After open_beside(): the other model becomes the active one, or is closed and the active one is
// as before.
static void settle(const xn_store_object *object, bool take) {
    if (take) {
        xn_runner_close(&models[now.index]);
        now.index ^= 1u;
        now.is_open = true;
        now.object = *object;
        return;
    }
    xn_runner_close(other());
    if (now.is_open && !xn_runner_is_open(&models[now.index])) {
        now.is_open = open_object(&models[now.index], &now.object) == XN_OK;
    }
}

int xn_active_init(void) {
    xn_store_object object;
    xn_runner_close(&models[0]);
    xn_runner_close(&models[1]);
    now.is_open = false;
    if (xn_store_active()[0] == 0) {
        return XN_OK;
    }
    int status = xn_store_find(xn_store_active(), &object);
    if (status == XN_OK) {
        status = open_beside(&object);
    }
    if (status == XN_OK) {
        settle(&object, true);
    }
    return status;
}

xn_model *xn_active_model(xn_store_object *object) {
    if (!now.is_open) {
        return NULL;
    }
    if (object != NULL) {
        *object = now.object;
    }
    return &models[now.index];
}

int xn_active_set(const char *name) {
    xn_store_object object;
    int status = xn_store_find(name, &object);
    if (status != XN_OK) {
        return status;
    }
    status = open_beside(&object);
    if (status == XN_OK) {
        status = xn_store_activate(name);
    }
    settle(&object, status == XN_OK);
    return status;
}

int xn_active_install(const xn_store_object *object, bool activate, int *golden,
                      uint32_t *golden_us) {
    bool takes_over = activate || strcmp(object->name, xn_store_active()) == 0;
    int status = open_beside(object);
    if (status == XN_OK) {
        *golden = xn_runner_golden(other(), golden_us);
        status = *golden < 0 ? *golden : XN_OK;
    }
    if (status == XN_OK) {
        status = xn_store_commit(activate);
    }
    settle(object, status == XN_OK && takes_over);
    return status;
}

int xn_active_remove(const char *name) {
    bool is_active = now.is_open && strcmp(now.object.name, name) == 0;
    int status = xn_store_remove(name);
    if (status == XN_OK && is_active) {
        xn_runner_close(&models[now.index]);
        now.is_open = false;
    }
    return status;
}
