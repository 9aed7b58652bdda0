// Python over the wire: exec, eval, call and rpc_list, at the prompt or between the instructions of
// a running script.
#include "micropython/vm.h"

#include "micropython/rpc.h"
#include "micropython/scripts.h"
#include "micropython/vm_msgpack.h"

#include "core/base/xn_error.h"
#include "core/base/xn_status.h"
#include "core/link/xn_link.h"
#include "core/model/xn_runner.h"
#include "core/rpc/xn_lane.h"
#include "core/rpc/xn_server.h"
#include "core/trust/xn_policy.h"

#include "py/compile.h"
#include "py/gc.h"
#include "py/lexer.h"
#include "py/mphal.h"
#include "py/runtime.h"
#ifndef __unix__ // whose port declares it with a type of its own
#include "shared/runtime/interrupt_char.h"
#endif

#include <string.h>

#define TRACEBACK_BYTES 2048u
#define CTRL_C 3
#define PAGE 16u // functions that rpc_list lists at once, if they fit

static bool alive;    // the VM can run code
static bool printing; // an exception's text is being made

volatile bool xn_vm_begun;
volatile uint32_t xn_vm_waited, xn_vm_deaf;
uint8_t xn_vm_frame[XN_FRAME_MAX];

// ---- Text of an exception; of one that is too long, its end -------------------------------------

typedef struct tail {
    char text[TRACEBACK_BYTES + 1];
    size_t used;
} tail;

static void tail_put(void *data, const char *text, size_t n) {
    tail *t = data;
    if (n > TRACEBACK_BYTES) {
        text += n - TRACEBACK_BYTES;
        n = TRACEBACK_BYTES;
    }
    if (n > TRACEBACK_BYTES - t->used) {
        size_t drop = n - (TRACEBACK_BYTES - t->used);
        memmove(t->text, t->text + drop, t->used - drop);
        t->used -= drop;
    }
    memcpy(t->text + t->used, text, n);
    t->used += n;
    t->text[t->used] = '\0';
}

// The last line, "ZeroDivisionError: divide by zero", copied without its end of line.
static void last_line(const tail *t, char *line, size_t size) {
    size_t end = t->used;
    while (end > 0 && t->text[end - 1] == '\n') {
        end--;
    }
    size_t start = end;
    while (start > 0 && t->text[start - 1] != '\n') {
        start--;
    }
    size_t n = MIN(end - start, size - 1);
    memcpy(line, t->text + start, n);
    line[n] = '\0';
}

// Printing an exception of the user's own may run the user's code, which may raise in turn.
static void print_exception(tail *to, mp_obj_t exception) {
    mp_print_t print = {to, tail_put};
    nlr_buf_t nlr;
    to->used = 0;
    printing = true; // no other request may come in between and use the buffer
    if (nlr_push(&nlr) == 0) {
        mp_obj_print_exception(&print, exception);
        nlr_pop();
    } else {
        mp_printf(&print, "%s that cannot be printed\n", mp_obj_get_type_str(exception));
    }
    printing = false;
}

static void reply_exception(uint32_t id, mp_obj_t exception) {
    static tail traceback;
    char message[128];
    print_exception(&traceback, exception);
    last_line(&traceback, message, sizeof message);
    bool interrupted =
        mp_obj_exception_match(exception, MP_OBJ_FROM_PTR(&mp_type_KeyboardInterrupt));
    xn_lane_error(id, interrupted ? XN_E_INTERRUPTED : XN_E_PYTHON, message, traceback.text);
}

// ---- The reserve --------------------------------------------------------------------------------

// Memory that scripts do not get: in a full heap a request can still be compiled, and make room. A
// request that ended for want of memory leaves it to the next one.
#define RESERVE_BYTES 4096u
MP_REGISTER_ROOT_POINTER(void *xn_vm_reserve);

static void take_reserve(void) {
    if (MP_STATE_VM(xn_vm_reserve) == NULL) {
        MP_STATE_VM(xn_vm_reserve) = m_malloc_maybe(RESERVE_BYTES);
    }
}

static void give_reserve(void) {
    m_del(uint8_t, MP_STATE_VM(xn_vm_reserve), RESERVE_BYTES);
    MP_STATE_VM(xn_vm_reserve) = NULL;
}

// ---- Running a request --------------------------------------------------------------------------

static mp_obj_t compile(const xn_lane_request *source, mp_parse_input_kind_t kind) {
    mp_lexer_t *lexer =
        mp_lexer_new_from_str_len(qstr_from_str(XN_RPC_FILE), source->text, source->text_bytes, 0);
    qstr name = lexer->source_name;
    mp_parse_tree_t tree = mp_parse(lexer, kind);
    return mp_compile(&tree, name, false);
}

static mp_obj_t run_source(const xn_lane_request *source, mp_parse_input_kind_t kind) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t code = compile(source, kind);
        nlr_pop();
        return mp_call_function_0(code);
    }
    give_reserve();
    return mp_call_function_0(compile(source, kind)); // raises again what memory does not mend
}

static void pack_result(xn_msgpack_writer *w, mp_obj_t value) {
    xn_msgpack_begin(w, xn_vm_frame, XN_LANE_RESULT_MAX);
    xn_vm_pack(w, value);
}

static void reply_value(const xn_lane_request *request, mp_obj_t value) {
    xn_msgpack_writer w;
    pack_result(&w, value);
    if (w.full) {
        xn_lane_error(request->id, XN_E_TOO_LONG, "the value does not fit a reply", NULL);
    } else {
        xn_lane_reply(request->id, xn_vm_frame, w.used);
    }
}

static void run_exec(const xn_lane_request *request) {
    xn_rpc_set_source(request->text, request->text_bytes);
    run_source(request, MP_PARSE_FILE_INPUT);
    reply_value(request, mp_const_none);
}

static void run_call(const xn_lane_request *request) {
    mp_obj_t value = xn_rpc_call(request);
    if (value != MP_OBJ_NULL) {
        reply_value(request, value);
        return;
    }
    char message[80] = "no rpc function is registered as ";
    size_t at = strlen(message);
    memcpy(message + at, request->text, MIN(request->text_bytes, sizeof message - 1 - at));
    xn_lane_error(request->id, XN_E_METHOD, message, NULL);
}

// As many functions as fit a reply.
static void run_list(const xn_lane_request *request) {
    xn_msgpack_writer w;
    mp_obj_t list;
    size_t count = 2 * PAGE;
    do {
        count /= 2;
        list = xn_rpc_list(request, count);
        pack_result(&w, list);
    } while (w.full && count > 1);
    reply_value(request, list);
}

// A source that waited while the board was locked.
static bool is_refused(const xn_lane_request *request) {
    if (!xn_policy_locked() || (request->kind != XN_LANE_EXEC && request->kind != XN_LANE_EVAL)) {
        return false;
    }
    char text[XN_ERROR_TEXT_MAX];
    xn_error_text(XN_E_LOCKED, text);
    xn_lane_error(request->id, XN_E_LOCKED, text, NULL);
    return true;
}

static void run_request(const xn_lane_request *request) {
    if (is_refused(request)) {
        return;
    }
    switch (request->kind) {
    case XN_LANE_EXEC:
        run_exec(request);
        break;
    case XN_LANE_EVAL:
        reply_value(request, run_source(request, MP_PARSE_EVAL_INPUT));
        break;
    case XN_LANE_CALL:
        run_call(request);
        break;
    case XN_LANE_LIST:
        run_list(request);
        break;
    }
}

// Runs in the globals of __main__, whichever module the interrupted code belongs to.
static void run_in_main(const xn_lane_request *request) {
    nlr_buf_t nlr;
    uint32_t id = request->id;
    mp_obj_dict_t *globals = mp_globals_get(), *locals = mp_locals_get();
    mp_globals_set(&MP_STATE_VM(dict_main));
    mp_locals_set(&MP_STATE_VM(dict_main));
    if (nlr_push(&nlr) == 0) {
        run_request(request);
        mp_handle_pending(true); // an interrupt that came at the very end is this request's
        nlr_pop();
        take_reserve();
    } else {
        reply_exception(id, MP_OBJ_FROM_PTR(nlr.ret_val));
        if (mp_obj_exception_match(nlr.ret_val, MP_OBJ_FROM_PTR(&mp_type_MemoryError))) {
            give_reserve();
        }
    }
    mp_globals_set(globals);
    mp_locals_set(locals);
}

static void serve(const xn_lane_request *request) {
    int interrupt_char = mp_interrupt_char;
    mp_hal_set_interrupt_char(CTRL_C);
    run_in_main(request);
    if (request->kind == XN_LANE_EXEC) {
        xn_rpc_set_source(NULL, 0);
    }
    mp_hal_set_interrupt_char(interrupt_char);
    if (interrupt_char < 0) {
        mp_handle_pending(false); // a late interrupt: at the prompt nothing would catch it
    }
}

// Not in a finaliser or a scheduled callback, where Python may not allocate or must be short.
static bool may_run(void) {
    return alive && !printing && !gc_is_locked() && MP_STATE_VM(sched_state) >= 0;
}

// ---- The core's hooks ---------------------------------------------------------------------------

static bool on_text(uint8_t byte) {
    if (xn_policy_locked()) {
        return true;
    }
    if (byte == CTRL_C) {
        xn_vm_deaf = 1;
    }
    if (mp_interrupt_char < 0 || byte != mp_interrupt_char) {
        return false;
    }
    xn_scripts_on_break();
    xn_runner_stop();
    mp_sched_keyboard_interrupt();
    return true;
}

static void on_interrupt(void) {
    xn_vm_deaf = 1;
    // At the prompt nothing runs, and nothing would catch it.
    if (alive && mp_interrupt_char >= 0) {
        mp_sched_keyboard_interrupt();
    }
}

void xn_vm_attach(void) {
    xn_link_on_text = on_text;
    xn_lane_on_interrupt = on_interrupt;
    xn_lane_vm_version = MICROPY_VERSION_STRING;
}

void xn_vm_open(bool open) {
    alive = open;
    printing = false;
    xn_rpc_forget();
    MP_STATE_VM(xn_vm_reserve) = NULL;
    if (open) {
        take_reserve();
    }
}

void xn_vm_poll_wire(void) {
    xn_vm_waited = 0;
    if (xn_server_pending()) {
        xn_server_poll();
    }
}

void xn_vm_poll(void) {
    xn_vm_deaf = 0;
    xn_scripts_poll();
    xn_vm_poll_wire();
    while (xn_lane_waiting() && may_run()) {
        serve(xn_lane_take());
    }
}
