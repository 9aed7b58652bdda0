#include "rpc/xn_method.h"

#include <string.h>

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "base/xn_version.h"
#include "link/xn_link.h"
#include "model/xn_active.h"
#include "model/xn_pool.h"
#include "model/xn_unpack.h"
#include "rpc/xn_lane.h"
#include "rpc/xn_safe.h"
#include "rpc/xn_session.h"
#include "store/xn_log.h"
#include "store/xn_store.h"
#include "trust/xn_policy.h"

static const xn_method table[] = {
    {"hello", "hello(nonce) -> map: opens a session, describes the board", xn_method_hello,
     XN_METHOD_OPENS | XN_METHOD_URGENT},
    {"help", "help(method) -> str: this line", xn_method_help, XN_METHOD_URGENT},
    {"ping", "ping(x) -> x", xn_method_ping, XN_METHOD_URGENT},
    {"reset", "reset(safe=false) -> nil: restarts the board; safe: without its scripts",
     xn_method_reset, XN_METHOD_URGENT},
    {"baud", "baud(rate) -> nil: changes the line's speed after this reply", xn_method_baud,
     XN_METHOD_OPEN},
    {"ls", "ls(first=0) -> [map]: the store's objects from that one on", xn_method_ls, 0},
    {"put_begin", "put_begin(name, type, size, sha256) -> map: starts an upload",
     xn_method_put_begin, 0},
    {"put_data", "put_data(session, offset, data) -> nil: a piece of the upload",
     xn_method_put_data, 0},
    {"put_copy", "put_copy(session, offset, from, size) -> nil: a piece that lies in flash already",
     xn_method_put_copy, 0},
    {"put_patch",
     "put_patch(session, offset, from, size, patch) -> nil: a piece that is changed on the way",
     xn_method_put_patch, 0},
    {"put_end",
     "put_end(session, activate=false, confirm_s=0, boots=0, limit_ms=10000) -> map: verifies, "
     "commits",
     xn_method_put_end, 0},
    {"get", "get(name, offset, size) -> bin: bytes of an object", xn_method_get, XN_METHOD_READS},
    {"flash_read", "flash_read(at, size) -> bin: raw bytes of the store's flash",
     xn_method_flash_read, XN_METHOD_OPEN},
    {"rm", "rm(name) -> nil: removes an object", xn_method_rm, XN_METHOD_OPEN},
    {"activate", "activate(name, confirm_s=0, boots=0) -> map: makes a blob the active model",
     xn_method_activate, 0},
    {"confirm", "confirm(name) -> nil: ends the active model's trial, it stays", xn_method_confirm,
     0},
    {"rollback", "rollback(name) -> map: returns to the version before", xn_method_rollback, 0},
    {"trial", "trial() -> map or nil: the active model's trial", xn_method_trial, 0},
    {"history", "history(name, first=0) -> [map]: the history of a name", xn_method_history, 0},
    {"held", "held(first=0) -> [map]: all versions that lie in flash", xn_method_held, 0},
    {"hashes", "hashes(at, size, block) -> bin: SHA-256 of blocks of flash, 8 bytes of each",
     xn_method_hashes, 0},
    {"wear", "wear() -> map: erase counts of the flash", xn_method_wear, 0},
    {"format", "format(sure) -> nil: empties the store; sure is 'erase all'", xn_method_format,
     XN_METHOD_OPEN},
    {"model", "model() -> map: describes the active model", xn_method_model,
     XN_METHOD_ACTIVE | XN_METHOD_READS},
    {"in_write", "in_write(input, offset, data) -> nil: writes a piece of an input",
     xn_method_in_write, XN_METHOD_ACTIVE},
    {"run", "run(entry=0, inputs=nil, profile=false, check=0) -> map: runs the active model",
     xn_method_run, XN_METHOD_ACTIVE},
    {"out_read", "out_read(offset, size, run=any) -> bin: bytes of the last result",
     xn_method_out_read, XN_METHOD_ACTIVE | XN_METHOD_READS},
    {"reset_state", "reset_state() -> nil: the active model forgets what it kept from run to run",
     xn_method_reset_state, XN_METHOD_ACTIVE},
    {"run_steps", "run_steps(entry, first, count) -> nil: runs some steps of an entry",
     xn_method_run_steps, XN_METHOD_READS},
    {"arena_read", "arena_read(offset, size) -> bin: bytes of the active model's arena",
     xn_method_arena_read, XN_METHOD_READS},
#if XN_LANE_VM
    {"exec", "exec(source) -> nil: executes Python code", xn_method_exec,
     XN_METHOD_ANYTIME | XN_METHOD_OPEN},
    {"eval", "eval(source) -> value: evaluates a Python expression", xn_method_eval,
     XN_METHOD_ANYTIME | XN_METHOD_OPEN},
#endif
    {"interrupt", "interrupt() -> nil: stops the run, raises KeyboardInterrupt in the Python code",
     xn_method_interrupt, XN_METHOD_URGENT | XN_METHOD_OPEN},
#if XN_LANE_VM
    {"rpc_list", "rpc_list(first=0) -> [[name, params, doc]]: the functions of @xipnet.rpc",
     xn_method_rpc_list, XN_METHOD_ANYTIME},
    {"call", "call(name, args, kwargs) -> value: calls a function of @xipnet.rpc", xn_method_call,
     XN_METHOD_ANYTIME},
    {"events", "events(on=true) -> nil: sends what xipnet.emit is given, or stops",
     xn_method_events, XN_METHOD_ANYTIME | XN_METHOD_OPEN},
#endif
#if XN_LOCKABLE
    {"trust", "trust() -> map: the policy that holds, the board's own key", xn_method_trust, 0},
    {"trust_set", "trust_set(state, product, keys, reads=false) -> nil: writes a policy",
     xn_method_trust_set, XN_METHOD_OPEN},
    {"device_seed", "device_seed(seed) -> nil: makes the key of a board that has none",
     xn_method_device_seed, XN_METHOD_OPEN},
    {"challenge", "challenge() -> map: what an order must name", xn_method_challenge, 0},
    {"unlock", "unlock(order) -> nil: until the next start", xn_method_unlock, 0},
    {"attest", "attest(nonce) -> map: what the board runs and holds, signed", xn_method_attest, 0},
#endif
};

#define METHODS (sizeof(table) / sizeof(table[0]))

const xn_method *xn_method_find(const char *name, uint32_t n) {
    for (uint32_t i = 0; i < METHODS; i++) {
        if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

#if XN_LOCKABLE
int xn_method_check(const xn_method *method) {
    bool reads = (xn_policy_now()->flags & XN_POLICY_READS) != 0;
    uint32_t refused = XN_METHOD_OPEN | (reads ? 0u : XN_METHOD_READS);
    return xn_policy_locked() && (method->flags & refused) != 0
               ? xn_error_plain(XN_E_LOCKED, method->name)
               : XN_OK;
}
#endif

// ---- The methods that tell of all others
// -----------------------------------------------------------

static void put_cpu(xn_msgpack_writer *out) {
    const xn_port_cpu *cpu = xn_port_identity();
    xn_call_put_text(out, "board", cpu->board);
    xn_call_put_text(out, "cpu", cpu->cpu);
    xn_call_put_u32(out, "family", cpu->family);
    xn_call_put_u32(out, "level", cpu->level);
    xn_call_put_u32(out, "features", cpu->features);
    xn_call_put_u32(out, "hz", cpu->hz);
}

static void put_flash(xn_msgpack_writer *out) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    xn_msgpack_put_text(out, "flash");
    xn_msgpack_put_map(out, 3);
    xn_call_put_u32(out, "size", flash->size_bytes);
    xn_call_put_u32(out, "sector", flash->sector_bytes);
    xn_call_put_u32(out, "free", xn_store_free_bytes());
}

static void put_error(xn_msgpack_writer *out, int status) {
    char text[XN_ERROR_TEXT_MAX];
    xn_error_text(status, text);
    xn_msgpack_put_text(out, text);
}

// Objects without a seal, on a board that warns of them.
static uint32_t count_unsealed(void) {
    uint32_t count = 0;
#if XN_LOCKABLE
    xn_store_object object;
    uint32_t cursor = 0;
    bool warns = xn_policy_now()->state != XN_POLICY_OPEN && !xn_policy_locked();
    while (warns && xn_store_next(&cursor, &object) == 1) {
        count += object.seal == 0 && object.type != XN_STORE_WEIGHTS;
    }
#endif
    return count;
}

// Says what is wrong with the store and the active model, in the words of their errors.
static void put_troubles(xn_msgpack_writer *out) {
    int status = xn_active_model(NULL) == NULL ? xn_active_why_none() : XN_E_NO_MODEL;
    bool any = status != XN_E_NO_MODEL;
    uint32_t unsealed = count_unsealed();
    xn_msgpack_put_text(out, "troubles");
    xn_msgpack_put_array(out, any + (unsealed > 0));
    if (any) {
        put_error(out, status);
    }
    if (unsealed > 0) {
        put_error(out, xn_error_at(XN_E_SEAL, "objects without one:", unsealed));
    }
}

static void put_trust(xn_msgpack_writer *out) {
#if XN_LOCKABLE
    xn_call_put_u32(out, "trust", xn_policy_now()->state);
    xn_call_put_bool(out, "unlocked", xn_policy_unlocked());
#else
    (void)out;
#endif
}

static void put_log(xn_msgpack_writer *out) {
    xn_msgpack_put_text(out, "log");
    xn_msgpack_put_map(out, 4);
    xn_call_put_u32(out, "lost", xn_log_now.lost);
    xn_call_put_u32(out, "unclear", xn_log_now.unclear);
    xn_call_put_u32(out, "mended", xn_log_now.mended);
    xn_call_put_u32(out, "formats", xn_log_now.formats);
}

int xn_method_hello(xn_call *call, xn_msgpack_writer *out) {
    uint32_t nonce = xn_call_u32(call);
    int status = xn_call_end(call);
    if (status != XN_OK) {
        return status;
    }
    xn_session_open(nonce);
    xn_msgpack_put_map(out, 21 + (XN_LOCKABLE ? 2 : 0));
    xn_msgpack_put_text(out, "protocol");
    xn_msgpack_put_array(out, 2);
    xn_msgpack_put_uint(out, 1);
    xn_msgpack_put_uint(out, 0);
    xn_call_put_text(out, "firmware", XN_VERSION_TEXT);
    xn_call_put_text(out, "micropython", xn_lane_vm_version);
    put_cpu(out);
    xn_call_put_u32(out, "frame", XN_FRAME_MAX);
    xn_call_put_u32(out, "window", XN_LINK_WINDOW);
    xn_call_put_u32(out, "pack", XN_UNPACK_VERSION);
    put_flash(out);
    xn_call_put_u32(out, "arena", xn_pool_bytes());
    xn_call_put_u32(out, "stack", xn_port_step_stack());
    xn_msgpack_put_text(out, "boot");
    xn_session_put_boot(out);
    xn_call_put_u32(out, "safe", xn_safe_now());
    put_troubles(out);
    put_log(out);
    put_trust(out);
    xn_msgpack_put_text(out, "vm");
    xn_msgpack_put_map(out, 2);
    xn_call_put_u32(out, "restarts", xn_lane_vm.restarts);
    xn_call_put_u32(out, "cause", xn_lane_vm.cause);
    xn_msgpack_put_text(out, "methods");
    xn_msgpack_put_array(out, METHODS);
    for (uint32_t i = 0; i < METHODS; i++) {
        xn_msgpack_put_text(out, table[i].name);
    }
    return XN_OK;
}

int xn_method_help(xn_call *call, xn_msgpack_writer *out) {
    uint32_t n;
    const char *name = xn_call_str(call, &n);
    int status = xn_call_end(call);
    if (status != XN_OK) {
        return status;
    }
    const xn_method *method = xn_method_find(name, n);
    if (method == NULL) {
        return XN_E_METHOD;
    }
    xn_msgpack_put_text(out, method->help);
    return XN_OK;
}
