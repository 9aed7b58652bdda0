#include "model/xn_active.h"

#include <stddef.h>
#include <string.h>

#include "base/xn_busy.h"
#include "base/xn_error.h"
#include "base/xn_port.h"
#include "store/xn_bundle.h"
#include "store/xn_upload.h"
#include "store/xn_weights.h"

// Two models: the next one can be opened beside the active one.
static xn_runner_model models[2];
static struct {
    uint32_t index; // of the active model
    bool is_open;
    xn_error_note why;      // none is open though the store names one
    xn_store_object object; // its object, if it is open
    uint64_t trial_end_us;
} now;

// Set when a step of the active model, or of another copy of it, had to be stopped.
static struct {
    enum xn_store_reason reason; // XN_STORE_NO_REASON: none since the model became active
    int32_t step;
} stopped;

static struct {
    bool on;
    uint64_t since; // when a run could last be answered
    uint32_t longest;
} swap;

// The loader's own words are for a blob that was built wrong.
static bool may_be_damage(int status) {
    return status == XN_E_BUNDLE || (status <= XN_E_BLOB_SHORT && status >= XN_E_BLOB_CPU);
}

// Before anything of it is looked at: whether it is sealed, and what is sealed is what is there.
static int check_trust(const xn_store_object *object) {
#if XN_LOCKABLE
    return xn_policy_now()->state == XN_POLICY_OPEN ? XN_OK : xn_store_check(object);
#else
    (void)object;
    return XN_OK;
#endif
}

int xn_active_open(xn_runner_model *model, const xn_store_object *object, uint32_t member) {
    xn_store_object blob = *object;
    int status = check_trust(object);
    if (status == XN_OK && object->type == XN_STORE_BUNDLE) {
        status = xn_bundle_member(object, member, NULL, &blob);
    }
    if (status == XN_OK && blob.type != XN_STORE_BLOB) {
        status = xn_error_limit(XN_E_TYPE, "type", blob.type, XN_STORE_BLOB);
    }
    if (status == XN_OK) {
        status = xn_runner_open(model, xn_store_map(&blob), blob.size);
    }
    return may_be_damage(status) && xn_store_check(object) != XN_OK ? XN_E_DAMAGED : status;
}

static xn_runner_model *other(void) {
    return &models[now.index ^ 1u];
}

// Opens the other model. If there is no room for both arenas the active one is closed first;
// settle() opens it again if it is still wanted then.
static int open_beside(const xn_store_object *object, uint32_t member) {
    int status = xn_active_open(other(), object, member);
    if (status == XN_E_ARENA && now.is_open) {
        xn_runner_close(&models[now.index]);
        status = xn_active_open(other(), object, member);
    }
    return status;
}

// After open_beside(): the other model becomes the active one, or is closed and the active one is
// as before.
static void settle(const xn_store_object *object, bool take) {
    if (take) {
        if (now.is_open && xn_runner_is_open(&models[now.index])) {
            (void)xn_runner_hand_over(&models[now.index], other());
        }
        xn_runner_close(&models[now.index]);
        now.index ^= 1u;
        now.is_open = true;
        now.object = *object;
        return;
    }
    xn_runner_close(other());
    if (now.is_open && !xn_runner_is_open(&models[now.index])) {
        int status = xn_active_open(&models[now.index], &now.object, 0);
        now.is_open = status == XN_OK;
        now.why = xn_error_keep(status);
    }
}

static void start_clock(void) {
    stopped.reason = XN_STORE_NO_REASON;
    const xn_store_trial *trial = xn_store_on_trial();
    if (trial != NULL) {
        now.trial_end_us = xn_port_time_us() + (uint64_t)trial->confirm_s * 1000000u;
    }
}

// Opens what the store names, whatever is open.
static int open_active(void) {
    xn_store_object object;
    const char *name = xn_store_active();
    int status = name[0] == 0 ? XN_E_NO_MODEL : xn_store_find(name, &object);
    if (status == XN_OK) {
        status = open_beside(&object, 0);
    }
    if (status == XN_OK) {
        settle(&object, true);
        return XN_OK;
    }
    xn_runner_close(&models[0]);
    xn_runner_close(&models[1]);
    now.is_open = false;
    now.why = xn_error_keep(status);
    return name[0] == 0 ? XN_OK : status;
}

// ---- Trials -----------------------------------------------------------------------------------

static void end_trial(enum xn_store_reason reason, int32_t detail) {
    if (xn_store_return(reason, detail) == XN_OK) {
        (void)open_active();
    }
}

static enum xn_store_reason reason_of(int status) {
    return status == XN_E_FAULT      ? XN_STORE_FAULT
           : status == XN_E_DEADLINE ? XN_STORE_DEADLINE
                                     : XN_STORE_STATUS;
}

// Of a bundle, any of its models counts.
static bool is_of_active(const xn_runner_model *model) {
    uintptr_t at = (uintptr_t)model->program.blob - (uintptr_t)xn_store_map(&now.object);
    return now.is_open && at < now.object.size;
}

static void note_stop(const xn_runner_model *model, int status, uint32_t step) {
    stopped.step = (int32_t)step;
    if (is_of_active(model)) {
        stopped.reason = reason_of(status);
    }
}

static enum xn_store_reason reason_of_start(int32_t *detail) {
    const xn_port_boot *boot = xn_port_boot_report();
    if (boot->cause == XN_PORT_BOOT_FAULT || boot->cause == XN_PORT_BOOT_DEADLINE) {
        *detail = boot->fault_step;
        return boot->cause == XN_PORT_BOOT_FAULT ? XN_STORE_FAULT : XN_STORE_DEADLINE;
    }
    *detail = (int32_t)boot->cause;
    return XN_STORE_START;
}

// A golden run that did not end caused this start.
static bool judge_test(void) {
    xn_store_object object;
    int32_t detail;
    if (xn_store_tested(&object) != 1) {
        return false;
    }
    enum xn_store_reason reason = reason_of_start(&detail);
    (void)xn_store_note(XN_STORE_REFUSED, &object, reason, detail);
    return true;
}

static void judge_trial(bool other_was_tested) {
    const xn_store_trial *trial = xn_store_on_trial();
    int32_t detail;
    if (trial == NULL) {
        return;
    }
    enum xn_store_reason reason = reason_of_start(&detail);
    if (trial->boots == 0 || (reason != XN_STORE_START && !other_was_tested)) {
        (void)xn_store_return(reason, detail);
    } else {
        (void)xn_store_count_start();
    }
}

int xn_active_init(void) {
    xn_runner_on_stop = note_stop;
    xn_runner_close(&models[0]);
    xn_runner_close(&models[1]);
    now.is_open = false;
    swap.on = false;
    judge_trial(judge_test());
    start_clock();
    int status = open_active();
    if (status != XN_OK && xn_store_on_trial() != NULL) {
        end_trial(XN_STORE_OPEN, status);
    }
    return status;
}

bool xn_active_due(void) {
    return xn_store_on_trial() != NULL &&
           (stopped.reason != XN_STORE_NO_REASON || xn_port_time_us() >= now.trial_end_us);
}

uint32_t xn_active_left_ms(void) {
    return xn_active_due() ? 0 : (uint32_t)((now.trial_end_us - xn_port_time_us()) / 1000u);
}

void xn_active_poll(void) {
    if (!xn_active_due()) {
        return;
    }
    if (stopped.reason != XN_STORE_NO_REASON) {
        end_trial(stopped.reason, stopped.step);
    } else {
        end_trial(XN_STORE_LATE, (int32_t)xn_store_on_trial()->confirm_s);
    }
}

// ---- Swaps ------------------------------------------------------------------------------------

void xn_active_swap_begin(void) {
    swap.on = true;
    swap.since = xn_port_time_us();
    swap.longest = 0;
}

static void count_pause(void) {
    uint64_t at = xn_port_time_us();
    uint32_t us = (uint32_t)(at - swap.since);
    swap.longest = us > swap.longest ? us : swap.longest;
    swap.since = at;
}

bool xn_active_serves(void) {
    if (!swap.on || !now.is_open || !xn_runner_is_open(&models[now.index])) {
        return false;
    }
    count_pause();
    return true;
}

uint32_t xn_active_swap_end(void) {
    count_pause();
    swap.on = false;
    return swap.longest;
}

// ---- Changes ----------------------------------------------------------------------------------

xn_runner_model *xn_active_model(xn_store_object *object) {
    if (!now.is_open) {
        return NULL;
    }
    if (object != NULL) {
        *object = now.object;
    }
    return &models[now.index];
}

uint32_t xn_active_bundle(void) {
    return now.is_open && now.object.type == XN_STORE_BUNDLE ? now.object.offset : 0;
}

int xn_active_why_none(void) {
    int status = xn_store_status();
    if (status == XN_OK && xn_store_active()[0] != 0) {
        status = xn_error_again(&now.why);
    }
    return status == XN_OK ? XN_E_NO_MODEL : status;
}

int xn_active_set(const char *name) {
    xn_busy_begin();
    int status = xn_active_set_on_trial(name, 0, 0);
    xn_busy_end();
    return status;
}

// What came before its weights was not tested then.
int xn_active_test_late(xn_runner_model *model) {
    uint32_t us;
    int golden =
        model->program.needs == NULL ? 0 : xn_runner_golden(model, xn_runner_limit_ms, &us);
    return golden < 0 ? golden : XN_OK;
}

int xn_active_set_on_trial(const char *name, uint32_t confirm_s, uint32_t boots) {
    xn_store_object object;
    int status = xn_store_find(name, &object);
    if (status != XN_OK) {
        return status;
    }
    status = open_beside(&object, 0);
    if (status == XN_OK) {
        status = xn_active_test_late(other());
    }
    if (status == XN_OK) {
        status = xn_store_activate(name, confirm_s, boots);
    }
    settle(&object, status == XN_OK);
    if (status == XN_OK) {
        start_clock();
    }
    return status;
}

static bool is_current(const xn_store_object *object) {
    xn_store_object current;
    return xn_store_find(object->name, &current) == XN_OK && current.version == object->version;
}

// Opens and tests a blob, or that of a bundle's member. A record says so beforehand: whatever
// happens, the next start knows.
static int test_blob(const xn_store_object *object, uint32_t member, uint32_t limit_ms, int *golden,
                     uint32_t *us) {
    int status = open_beside(object, member);
    if (status == XN_OK && other()->program.golden != NULL && !is_current(object)) {
        status = xn_store_note(XN_STORE_TESTING, object, XN_STORE_NO_REASON, 0);
    }
    if (status == XN_OK) {
        status = xn_runner_golden(other(), limit_ms, us);
        *golden &= status;
    }
    return status < 0 ? status : XN_OK;
}

// Members, the last one first: the first one stays open.
static int test_bundle(const xn_store_object *bundle, uint32_t limit_ms, int *golden,
                       uint32_t *us) {
    xn_store_object member = *bundle; // what is named if none can be
    int count = xn_bundle_check(xn_store_map(bundle), bundle->size);
    int status = count < 0 ? count : XN_OK;
    while (count-- > 0 && status == XN_OK) {
        uint32_t took = 0;
        status = xn_bundle_member(bundle, (uint32_t)count, NULL, &member);
        if (status == XN_OK && xn_store_compare(&member) != XN_STORE_WHOLE) {
            status = xn_error_at(XN_E_BUNDLE, "SHA-256 of bytes", member.size);
        }
        if (status == XN_OK && member.type == XN_STORE_BLOB) {
            xn_runner_close(other());
            status = test_blob(bundle, (uint32_t)count, limit_ms, golden, &took);
        }
        *us += took;
        if (status != XN_OK) {
            status = xn_error_of(status, member.name);
        }
    }
    return status;
}

static int test(const xn_store_object *object, uint32_t limit_ms, int *golden, uint32_t *us) {
    *golden = 1;
    return object->type == XN_STORE_BUNDLE ? test_bundle(object, limit_ms, golden, us)
                                           : test_blob(object, 0, limit_ms, golden, us);
}

int xn_active_install(const xn_store_object *object, const xn_active_how *how, int *golden,
                      uint32_t *golden_us) {
    bool takes_over = how->activate || strcmp(object->name, xn_store_active()) == 0;
    int status = test(object, how->limit_ms, golden, golden_us);
    if (status == XN_E_WEIGHTS && object->type == XN_STORE_BLOB && !takes_over) {
        *golden = 0; // it waits for them: it cannot be activated before
        status = XN_OK;
    }
    if (status == XN_OK) {
        status = xn_upload_commit(how->activate, how->confirm_s, how->boots);
    }
    if (status != XN_OK) {
        enum xn_store_reason reason = reason_of(status);
        int32_t detail = reason == XN_STORE_STATUS ? status : stopped.step;
        (void)xn_store_note(XN_STORE_REFUSED, object, reason, detail);
    }
    settle(object, status == XN_OK && takes_over);
    if (status == XN_OK && takes_over) {
        start_clock();
    }
    return status;
}

int xn_active_remove(const char *name) {
    xn_busy_begin();
    bool is_active = now.is_open && strcmp(now.object.name, name) == 0;
    int status = xn_store_remove(name);
    if (status == XN_OK && is_active) {
        xn_runner_close(&models[now.index]);
        now.is_open = false;
    }
    xn_busy_end();
    return status;
}

// A version that is no model, or waits for its weights, could not serve. What a trial returns to
// has served.
static int check_previous(const char *name) {
    xn_store_object object;
    uint32_t count;
    if (xn_store_on_trial() != NULL || xn_store_previous(name, &object) != 1) {
        return XN_OK;
    }
    if (object.type != XN_STORE_BLOB && object.type != XN_STORE_BUNDLE) {
        return xn_error_rule(XN_E_TYPE, name, "the version before, type", object.type,
                             XN_STORE_BLOB);
    }
    (void)xn_weights_named(&object, &count);
    if (count == 0) {
        return XN_OK;
    }
    int status = open_beside(&object, 0);
    settle(&object, false);
    return status == XN_E_WEIGHTS ? status : XN_OK;
}

int xn_active_rollback(const char *name) {
    bool is_active = strcmp(name, xn_store_active()) == 0;
    int status = is_active ? check_previous(name) : XN_OK;
    if (status == XN_OK) {
        status = xn_store_rollback(name);
    }
    return status == XN_OK && is_active ? open_active() : status;
}
