#include "micropython/usermod/serve.h"

#include "micropython/usermod/streams.h"

#include "micropython/scripts.h"
#include "micropython/vm.h"

#include "core/link/xn_link.h"
#include "core/rpc/xn_server.h"

#include "py/mphal.h"
#include "py/runtime.h"

#define CTRL_C 3

bool xn_serve_quiet;

// The port runs boot.py and main.py itself, as it always does, unless it has our scripts.c.
__attribute__((weak)) void xn_scripts_on_break(void) {}

__attribute__((weak)) void xn_scripts_poll(void) {}

// At the first import in each life of the VM; the core lives longer than that. A port that serves
// always (XN_SERVE_ALWAYS) did all of it before.
static mp_obj_t user_init(void) {
#if !defined(XN_SERVE_ALWAYS)
    static bool started;
    if (!started) {
        started = true;
        xn_serve_quiet = true;
        xn_vm_attach();
        xn_link_init();
        xn_server_init();
        xn_serve_quiet = false;
    }
    xn_vm_open(true);
#endif
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(xn_serve_init_obj, user_init);

// Until a Ctrl-C comes as text; within a frame it is a byte like any other.
static void serve(void) {
    for (;;) {
        xn_link_receive((uint8_t)mp_hal_stdin_rx_chr());
        for (int c; (c = xn_link_text_get()) >= 0;) {
            if (c == CTRL_C) {
                return;
            }
        }
        xn_vm_poll();
    }
}

static mp_obj_t user_serve(size_t n, const mp_obj_t *streams) {
    nlr_buf_t nlr;
    if (n > 0) {
        xn_streams_serve(n, streams);
        return mp_const_none;
    }
    mp_hal_set_interrupt_char(-1);
    if (nlr_push(&nlr) == 0) {
        serve();
        nlr_pop();
        mp_hal_set_interrupt_char(CTRL_C);
        return mp_const_none;
    }
    mp_hal_set_interrupt_char(CTRL_C);
    nlr_jump(nlr.ret_val);
}
MP_DEFINE_CONST_FUN_OBJ_VAR(xn_serve_obj, 0, user_serve);
