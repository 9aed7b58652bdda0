#include "micropython/scripts.h"

#include "micropython/vm.h"

#include "core/link/xn_link.h"
#include "core/base/xn_port.h"
#include "core/rpc/xn_safe.h"

#include "py/builtin.h"
#include "py/mphal.h"
#include "py/persistentcode.h"
#include "py/runtime.h"
#include "shared/runtime/pyexec.h"

#define CTRL_C 3
// A person who holds Ctrl-C while the board starts repeats it at least as often.
#define BREAK_WINDOW_MS 60u
#define BREAKS 5u              // in a row make a reset
#define BREAKS_GAP_US 1000000u // longest time between two in a row

static volatile bool running; // boot or main
static bool settled;
static uint64_t settles_at;

// ---- Breaks -------------------------------------------------------------------------------------

static uint32_t breaks; // in a row
static uint64_t last_break;

void xn_scripts_on_break(void) {
    if (!running) {
        return;
    }
    uint64_t now = xn_port_time_us();
    breaks = now - last_break < BREAKS_GAP_US ? breaks + 1u : 1u;
    last_break = now;
    if (breaks >= BREAKS) {
        xn_safe_ask(XN_SAFE_BREAK);
        xn_port_reset();
    }
}

// Whether a Ctrl-C comes within the window; all text before it is dropped.
static bool break_comes(void) {
    uint64_t end = xn_port_time_us() + BREAK_WINDOW_MS * 1000u;
    while (xn_port_time_us() < end) {
        if (xn_link_text_ready() && xn_link_text_get() == CTRL_C) {
            return true;
        }
    }
    return false;
}

// ---- Running ------------------------------------------------------------------------------------

static void call_mpy(const char *path) {
    mp_compiled_module_t module;
    module.context = m_new_obj(mp_module_context_t);
    module.context->module.globals = mp_globals_get();
    mp_raw_code_load_file(qstr_from_str(path), &module);
    mp_call_function_0(mp_make_function_from_proto_fun(module.rc, module.context, NULL));
}

// As pyexec_file() does with source.
static void run_mpy(const char *path) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_hal_set_interrupt_char(CTRL_C);
        call_mpy(path);
        mp_hal_set_interrupt_char(-1);
        mp_handle_pending(true);
        nlr_pop();
    } else {
        mp_hal_set_interrupt_char(-1);
        mp_handle_pending(false);
        mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
}

static const char *const boots[] = {"/store/boot.py", "/store/boot.mpy", "/boot.py"};
static const char *const mains[] = {"/store/main.py", "/store/main.mpy", "/main.py"};
#define PLACES 3

// The first that exists; NULL: none does.
static const char *find(const char *const paths[PLACES]) {
    for (int i = 0; i < PLACES; i++) {
        if (mp_import_stat(paths[i]) == MP_IMPORT_STAT_FILE) {
            return paths[i];
        }
    }
    return NULL;
}

static void run_first(const char *const paths[PLACES]) {
    const char *path = find(paths);
    if (path == NULL) {
        return;
    }
    xn_vm_begun = true;
    if (path == paths[1]) {
        run_mpy(path);
    } else {
        pyexec_file(path);
    }
}

void xn_scripts_run(bool after_reset) {
    bool any = find(boots) != NULL || find(mains) != NULL;
    enum xn_safe_reason safe = xn_safe_begin(any && after_reset && break_comes());
    if (safe != XN_SAFE_NOT) {
        static const char *const why[] = {"", "a break", "crashes at start", "request",
                                          "a restart of Python"};
        mp_printf(&mp_plat_print, "Safe mode, by %s: boot and main are not run.\n", why[safe]);
        return;
    }
    breaks = 0;
    settled = false;
    settles_at = xn_port_time_us() + XN_SAFE_SETTLED_US;
    running = true;
    run_first(boots);
    if (pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) {
        run_first(mains);
    }
    running = false;
    xn_safe_settle();
}

bool xn_scripts_end(void) {
    bool were = running;
    running = false;
    return were;
}

void xn_scripts_poll(void) {
    if (running && !settled && xn_port_time_us() > settles_at) {
        settled = true;
        xn_safe_settle();
    }
}
