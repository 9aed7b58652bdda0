#include "rpc/xn_session.h"

#include "base/xn_port.h"
#include "link/xn_link.h"
#include "model/xn_runner.h"
#include "rpc/xn_call.h"
#include "rpc/xn_event.h"
#include "rpc/xn_lane.h"
#include "rpc/xn_reply.h"
#include "rpc/xn_run.h"
#include "store/xn_upload.h"

static struct {
    bool is_open;
    bool is_ending;
    uint32_t nonce;
    uint32_t number; // of those that were opened
} session;

void xn_session_init(void) {
    session.is_open = session.is_ending = false;
    xn_event_want(false);
    xn_reply_forget();
}

void xn_session_open(uint32_t nonce) {
    if (!session.is_open || session.nonce != nonce) {
        session.is_open = true;
        session.nonce = nonce;
        session.number++;
        xn_runner_stop();
        xn_event_want(false);
        xn_reply_forget();
        xn_upload_abort();
        xn_run_forget();
        xn_lane_forget();
    }
}

bool xn_session_is_open(void) {
    return session.is_open;
}

uint32_t xn_session_number(void) {
    return session.number;
}

void xn_session_put_boot(xn_msgpack_writer *out) {
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

void xn_session_notify_boot(void) {
    uint8_t bytes[128];
    xn_msgpack_writer w;
    xn_msgpack_begin(&w, bytes, sizeof(bytes));
    xn_msgpack_put_array(&w, 3);
    xn_msgpack_put_uint(&w, 2);
    xn_msgpack_put_text(&w, "boot");
    xn_msgpack_put_array(&w, 1);
    xn_session_put_boot(&w);
    xn_link_send_frame(bytes, w.used);
}

void xn_session_reset_after_reply(void) {
    session.is_ending = true;
}

bool xn_session_is_ending(void) {
    return session.is_ending;
}

void xn_session_end(void) {
    session.is_ending = false;
    xn_port_reset();
}
