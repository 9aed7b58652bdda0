#include "rpc/xn_methods.h"

#include <string.h>

#include "base/xn_error.h"
#include "link/xn_link.h"
#include "model/xn_pool.h"
#include "base/xn_port.h"
#include "rpc/xn_safe.h"
#include "rpc/xn_server.h"
#include "store/xn_store.h"
#include "model/xn_unpack.h"

#ifndef XN_FIRMWARE_VERSION
#define XN_FIRMWARE_VERSION "0.1.0"
#endif

const xn_method xn_methods[] = {
    {"hello", "hello(nonce) -> map: opens a session, describes the board", xn_method_hello, false},
    {"help", "help(method) -> str: this line", xn_method_help, true},
    {"ping", "ping(x) -> x", xn_method_ping, true},
    {"reset", "reset(safe=false) -> nil: restarts the board; safe: without its scripts",
     xn_method_reset, false},
    {"baud", "baud(rate) -> nil: changes the line's speed after this reply", xn_method_baud, false},
    {"ls", "ls(first=0) -> [map]: the store's objects from that one on", xn_method_ls, false},
    {"put_begin", "put_begin(name, type, size, sha256) -> map: starts an upload",
     xn_method_put_begin, false},
    {"put_data", "put_data(session, offset, data) -> nil: a piece of the upload",
     xn_method_put_data, false},
    {"put_copy", "put_copy(session, offset, from, size) -> nil: a piece that lies in flash already",
     xn_method_put_copy, false},
    {"put_patch",
     "put_patch(session, offset, from, size, patch) -> nil: a piece that is changed on the way",
     xn_method_put_patch, false},
    {"put_end",
     "put_end(session, activate=false, confirm_s=0, boots=0, limit_ms=10000) -> map: verifies, "
     "commits",
     xn_method_put_end, false},
    {"get", "get(name, offset, size) -> bin: bytes of an object", xn_method_get, false},
    {"rm", "rm(name) -> nil: removes an object", xn_method_rm, false},
    {"activate", "activate(name, confirm_s=0, boots=0) -> map: makes a blob the active model",
     xn_method_activate, false},
    {"confirm", "confirm(name) -> nil: ends the active model's trial, it stays", xn_method_confirm,
     false},
    {"rollback", "rollback(name) -> map: returns to the version before", xn_method_rollback, false},
    {"trial", "trial() -> map or nil: the active model's trial", xn_method_trial, false},
    {"history", "history(name, first=0) -> [map]: what befell a name", xn_method_history, false},
    {"held", "held(first=0) -> [map]: all versions that lie in flash", xn_method_held, false},
    {"hashes", "hashes(at, size, block) -> bin: SHA-256 of blocks of flash, 8 bytes of each",
     xn_method_hashes, false},
    {"wear", "wear() -> map: erase counts of the flash", xn_method_wear, false},
    {"format", "format(sure) -> nil: empties the store; sure is 'erase all'", xn_method_format,
     false},
    {"model", "model() -> map: describes the active model", xn_method_model, false},
    {"in_write", "in_write(input, offset, data) -> nil: writes a piece of an input",
     xn_method_in_write, false},
    {"run", "run(entry=0, inputs=nil, profile=false, check=0) -> map: runs the active model",
     xn_method_run, false},
    {"out_read", "out_read(offset, size, run=any) -> bin: bytes of the last result",
     xn_method_out_read, false},
    {"run_steps", "run_steps(entry, first, count) -> nil: runs some steps of an entry",
     xn_method_run_steps, false},
    {"arena_read", "arena_read(offset, size) -> bin: bytes of the active model's arena",
     xn_method_arena_read, false},
    {"exec", "exec(source) -> nil: executes Python code", xn_method_exec, true},
    {"eval", "eval(source) -> value: evaluates a Python expression", xn_method_eval, true},
    {"interrupt", "interrupt() -> nil: raises KeyboardInterrupt in the Python code",
     xn_method_interrupt, true},
    {"rpc_list", "rpc_list(first=0) -> [[name, params, doc]]: the functions of @xipnet.rpc",
     xn_method_rpc_list, true},
    {"call", "call(name, args, kwargs) -> value: calls a function of @xipnet.rpc", xn_method_call,
     true},
    {"events", "events(on=true) -> nil: sends what xipnet.emit is given, or stops",
     xn_method_events, true},
};

const uint32_t xn_methods_count = sizeof(xn_methods) / sizeof(xn_methods[0]);

const xn_method *xn_methods_find(const char *name, uint32_t n) {
    for (uint32_t i = 0; i < xn_methods_count; i++) {
        if (strlen(xn_methods[i].name) == n && memcmp(xn_methods[i].name, name, n) == 0) {
            return &xn_methods[i];
        }
    }
    return NULL;
}

// ---- Methods about the board itself -----------------------------------------------------------

void xn_methods_put_boot(xn_msgpack_writer *out) {
    const xn_port_boot *boot = xn_port_boot_report();
    xn_msgpack_put_map(out, 7);
    xn_call_put_u32(out, "cause", boot->cause);
    xn_call_put_u32(out, "resets", boot->resets);
    xn_msgpack_put_text(out, "fault_step");
    xn_msgpack_put_int(out, boot->fault_step);
    xn_call_put_u32(out, "pc", boot->pc);
    xn_call_put_u32(out, "address", boot->address);
    xn_call_put_u32(out, "cfsr", boot->cfsr);
    xn_call_put_u32(out, "hfsr", boot->hfsr);
}

static void put_cpu(xn_msgpack_writer *out) {
    const xn_port_cpu *cpu = xn_port_identity();
    xn_call_put_text(out, "board", cpu->board);
    xn_call_put_text(out, "cpu", cpu->cpu);
    xn_call_put_u32(out, "family", cpu->family);
    xn_call_put_u32(out, "level", cpu->level);
    xn_call_put_u32(out, "features", cpu->features);
}

static void put_flash(xn_msgpack_writer *out) {
    const xn_port_flash *flash = xn_port_flash_geometry();
    xn_msgpack_put_text(out, "flash");
    xn_msgpack_put_map(out, 3);
    xn_call_put_u32(out, "size", flash->size_bytes);
    xn_call_put_u32(out, "sector", flash->sector_bytes);
    xn_call_put_u32(out, "free", xn_store_free_bytes());
}

int xn_method_hello(xn_call *call, xn_msgpack_writer *out) {
    uint32_t nonce = xn_call_u32(call);
    int status = xn_call_end(call);
    if (status != XN_OK) {
        return status;
    }
    xn_server_open_session(nonce);
    xn_msgpack_put_map(out, 17);
    xn_msgpack_put_text(out, "protocol");
    xn_msgpack_put_array(out, 2);
    xn_msgpack_put_uint(out, 1);
    xn_msgpack_put_uint(out, 0);
    xn_call_put_text(out, "firmware", XN_FIRMWARE_VERSION);
    xn_call_put_text(out, "micropython", xn_server_vm_version);
    put_cpu(out);
    xn_call_put_u32(out, "frame", XN_FRAME_MAX);
    xn_call_put_u32(out, "window", XN_WINDOW);
    xn_call_put_u32(out, "pack", XN_UNPACK_VERSION);
    put_flash(out);
    xn_call_put_u32(out, "arena", xn_pool_bytes());
    xn_call_put_u32(out, "stack", xn_port_step_stack());
    xn_msgpack_put_text(out, "boot");
    xn_methods_put_boot(out);
    xn_call_put_u32(out, "safe", xn_safe_now());
    xn_msgpack_put_text(out, "methods");
    xn_msgpack_put_array(out, xn_methods_count);
    for (uint32_t i = 0; i < xn_methods_count; i++) {
        xn_msgpack_put_text(out, xn_methods[i].name);
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
    const xn_method *method = xn_methods_find(name, n);
    if (method == NULL) {
        return XN_E_METHOD;
    }
    xn_msgpack_put_text(out, method->help);
    return XN_OK;
}

int xn_method_ping(xn_call *call, xn_msgpack_writer *out) {
    const uint8_t *value;
    uint32_t n;
    xn_call_any(call, &value, &n);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        xn_msgpack_put_raw(out, value, n);
    }
    return status;
}

int xn_method_reset(xn_call *call, xn_msgpack_writer *out) {
    bool safe = xn_call_bool_or(call, false);
    int status = xn_call_end(call);
    if (status == XN_OK) {
        xn_safe_ask(safe ? XN_SAFE_ASKED : XN_SAFE_NOT);
        xn_server_reset_after_reply();
        xn_msgpack_put_nil(out);
    }
    return status;
}
