// Records of the log that say whom the board trusts; the open build does not know them.
#if XN_LOCKABLE

#include <string.h>

#include "base/xn_error.h"
#include "store/xn_index.h"

typedef union either {
    xn_log_record record;
    xn_log_trust trust;
    xn_log_device device;
} either;

// ---- What they do to the index ------------------------------------------------------------------

// What was compared under another policy was not asked the same.
static void forget_health(void) {
    xn_index *t = &xn_index_now;
    t->epoch++;
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->entries[i].health == XN_STORE_WHOLE) {
            t->entries[i].health = XN_STORE_UNREAD;
        }
    }
}

// A policy that is not understood locks the board as far as it is, and the store is refused.
int xn_index_apply_trust(const xn_log_record *from) {
    either of = {.record = *from};
    const xn_log_trust *record = &of.trust;
    xn_policy *policy = &xn_index_now.policy;
    memset(policy, 0, sizeof(*policy));
    policy->state = record->state < XN_POLICY_COUNTED ? record->state : XN_POLICY_COUNTED;
    policy->flags = record->policy_flags & XN_POLICY_READS;
    memcpy(policy->product, record->product, XN_POLICY_PRODUCT_MAX);
    memcpy(policy->keys, record->keys, sizeof(policy->keys));
    xn_index_now.has_policy = true;
    xn_policy_take(policy);
    forget_health();
    if (record->state > XN_POLICY_COUNTED) {
        return xn_error_limit(XN_E_STORE, "policy of state", record->state, XN_POLICY_COUNTED);
    }
    if (record->policy_flags != policy->flags) {
        return xn_error_limit(XN_E_STORE, "policy flags", record->policy_flags, XN_POLICY_READS);
    }
    return memchr(record->product, 0, sizeof(record->product)) != NULL
               ? XN_OK
               : xn_error_at(XN_E_STORE, "product has no end, sequence", record->sequence);
}

void xn_index_apply_device(const xn_log_record *from) {
    either of = {.record = *from};
    const xn_log_device *record = &of.device;
    xn_device_key key;
    memset(&key, 0, sizeof(key));
    memcpy(key.seed, record->seed, sizeof(key.seed));
    memcpy(key.key, record->key, sizeof(key.key));
    memcpy(key.source, record->source, XN_DEVICE_SOURCE_MAX);
    xn_device_take(&key);
}

// ---- Writing them -------------------------------------------------------------------------------

static void fill_policy(either *of, const xn_policy *policy) {
    memset(of, 0, sizeof(*of));
    of->trust.kind = XN_LOG_TRUST;
    of->trust.state = policy->state;
    of->trust.policy_flags = policy->flags;
    memcpy(of->trust.product, policy->product, XN_POLICY_PRODUCT_MAX);
    memcpy(of->trust.keys, policy->keys, sizeof(of->trust.keys));
}

static void fill_device(either *of, const xn_device_key *key) {
    memset(of, 0, sizeof(*of));
    of->device.kind = XN_LOG_DEVICE;
    of->device.flags = XN_LOG_SKIPPABLE;
    memcpy(of->device.seed, key->seed, sizeof(of->device.seed));
    memcpy(of->device.key, key->key, sizeof(of->device.key));
    memcpy(of->device.source, key->source, XN_DEVICE_SOURCE_MAX);
}

// It holds from the first one on; the second is for the day on which that rots.
static int commit_twice(either *of) {
    either second = *of;
    int status = xn_index_commit(&of->record);
    if (status == XN_OK) {
        (void)xn_index_commit(&second.record);
    }
    return status;
}

int xn_index_commit_policy(const xn_policy *policy) {
    either of;
    fill_policy(&of, policy);
    return commit_twice(&of);
}

int xn_index_commit_device(const xn_device_key *key) {
    either of;
    fill_device(&of, key);
    return commit_twice(&of);
}

static int add_twice(either *of) {
    int status = xn_log_compact_add(&of->record);
    return status == XN_OK ? xn_log_compact_add(&of->record) : status;
}

int xn_index_add_trust(void) {
    either of;
    int status = XN_OK;
    if (xn_index_now.has_policy) {
        fill_policy(&of, &xn_index_now.policy);
        status = add_twice(&of);
    }
    if (status == XN_OK && xn_device_now() != NULL) {
        fill_device(&of, xn_device_now());
        status = add_twice(&of);
    }
    return status;
}

#endif
