// The methods of docs/SPEC-wire.md: a row of the table and a function each.
#ifndef XN_METHOD_H
#define XN_METHOD_H

#include <stdint.h>

#include "rpc/xn_call.h"
#include "store/xn_store.h"

// Writes the result to `out`, or returns an error. What takes long is done before the first byte
// is written: until then other requests may be answered through the same buffer.
typedef int xn_method_fn(xn_call *call, xn_msgpack_writer *out);

#define XN_METHOD_LATER 1 // returned: the VM will answer

enum xn_method_flag {
    XN_METHOD_OPENS = 1,   // needs no session: it opens one
    XN_METHOD_ANYTIME = 2, // may be answered between the steps of a running model
    XN_METHOD_ACTIVE = 4,  // is about the active model, even while another one takes its place
    XN_METHOD_URGENT = 8,  // answered at once, whatever the board does, before others that wait
    XN_METHOD_OPEN = 16,   // a locked board does not answer it
    XN_METHOD_READS = 32,  // only if hosts may read
};

typedef struct xn_method {
    const char *name;
    const char *help; // one line
    xn_method_fn *call;
    uint8_t flags; // enum xn_method_flag
} xn_method;

const xn_method *xn_method_find(const char *name, uint32_t n); // NULL: none
// XN_OK, or XN_E_LOCKED naming the method: the board is locked and does not answer it.
#if XN_LOCKABLE
int xn_method_check(const xn_method *method);
#else
static inline int xn_method_check(const xn_method *method) {
    (void)method;
    return 0;
}
#endif

xn_method_fn xn_method_hello, xn_method_help;
xn_method_fn xn_method_ping, xn_method_reset, xn_method_baud, xn_method_events;
xn_method_fn xn_method_ls, xn_method_get, xn_method_flash_read, xn_method_rm, xn_method_activate;
xn_method_fn xn_method_put_begin, xn_method_put_data, xn_method_put_copy, xn_method_put_patch,
    xn_method_put_end;
xn_method_fn xn_method_confirm, xn_method_rollback, xn_method_trial, xn_method_history;
xn_method_fn xn_method_held, xn_method_hashes, xn_method_wear, xn_method_format;
xn_method_fn xn_method_model, xn_method_in_write, xn_method_run, xn_method_out_read;
xn_method_fn xn_method_run_steps, xn_method_arena_read, xn_method_reset_state;
xn_method_fn xn_method_exec, xn_method_eval, xn_method_interrupt, xn_method_call,
    xn_method_rpc_list;
#if XN_LOCKABLE
xn_method_fn xn_method_trust, xn_method_trust_set, xn_method_device_seed, xn_method_challenge,
    xn_method_unlock, xn_method_attest;
#endif

// What ls and held say of an object's seal: so many entries.
#define XN_METHOD_SEAL_ENTRIES (XN_LOCKABLE ? 2u : 0u)
#if XN_LOCKABLE
void xn_method_put_seal(xn_msgpack_writer *out, const xn_store_object *object);
// Whether a host may have bytes of the extents copied or hashed: of a locked board those of objects
// that are current or could be again, and what the upload under way wrote.
bool xn_method_may_use(uint32_t at, uint32_t n);
#else
static inline void xn_method_put_seal(xn_msgpack_writer *out, const xn_store_object *object) {
    (void)out;
    (void)object;
}
static inline bool xn_method_may_use(uint32_t at, uint32_t n) {
    return xn_store_within(at, n);
}
#endif

#endif
