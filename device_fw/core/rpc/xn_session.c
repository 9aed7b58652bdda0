#include "rpc/xn_session.h"

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "link/xn_link.h"
#include "model/xn_runner.h"
#include "rpc/xn_call.h"
#include "rpc/xn_event.h"
#include "rpc/xn_lane.h"
#include "rpc/xn_reply.h"
#include "rpc/xn_run.h"
#include "store/xn_upload.h"

#define UPLOAD_SILENT_US 5000000u // an upload whose host is gone gives way

typedef struct session {
    bool is_taken; // the line is somebody's
    bool is_open;
    uint32_t nonce;
    uint32_t number;
} session;

static session sessions[XN_LINK_LINES];
static uint32_t opened; // so far
static bool is_ending;
uint32_t xn_session_beneath;

static struct {
    uint32_t line;
    uint64_t piece_us; // when the last one came
} upload;

static session *now(void) {
    return &sessions[XN_LINK_LINES > 1 ? xn_link_line : 0];
}

void xn_session_init(void) {
    now()->is_open = is_ending = false;
    xn_event_want(false);
    xn_reply_forget();
}

// What a session has left half done.
static void give_up(void) {
    if (xn_session_beneath == xn_link_line) {
        xn_runner_stop();
    }
    xn_event_want(false);
    xn_reply_forget();
    if (upload.line == xn_link_line) {
        xn_upload_abort();
    }
    xn_run_forget();
    xn_lane_forget();
}

void xn_session_open(uint32_t nonce) {
    session *s = now();
    if (!s->is_open || s->nonce != nonce) {
        s->is_open = true;
        s->nonce = nonce;
        s->number = ++opened;
        give_up();
    }
}

uint32_t xn_session_open_line(xn_reply_cache *cache) {
    for (uint32_t line = 1; line < XN_LINK_LINES; line++) {
        if (!sessions[line].is_taken) {
            sessions[line] = (session){.is_taken = true};
            xn_reply_keep_in(line, cache);
            return line;
        }
    }
    return 0;
}

void xn_session_close_line(uint32_t line) {
    uint32_t outer = xn_link_line;
    if (!sessions[line].is_taken) {
        return;
    }
    for (uint32_t i = xn_link_frames(); i-- > 0;) { // from behind: none moves up
        if (xn_link_frame_line(i) == line) {
            xn_link_frame_done(i);
        }
    }
    xn_link_line = line;
    give_up();
    xn_link_line = outer;
    xn_reply_keep_in(line, NULL);
    sessions[line] = (session){.is_taken = false};
}

bool xn_session_is_open(void) {
    return now()->is_open;
}

uint32_t xn_session_number(void) {
    return now()->number;
}

int xn_session_take_upload(void) {
    uint64_t now_us = xn_port_time_us();
    bool of_another = XN_LINK_LINES > 1 && xn_upload_ticket() != 0 && upload.line != xn_link_line;
    if (of_another && now_us - upload.piece_us < UPLOAD_SILENT_US) {
        return xn_error_at(XN_E_BUSY, "another host's upload, line", upload.line);
    }
    upload.line = xn_link_line;
    upload.piece_us = now_us;
    return XN_OK;
}

bool xn_session_has_upload(void) {
    upload.piece_us = xn_port_time_us();
    return upload.line == xn_link_line;
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
    is_ending = true;
}

bool xn_session_is_ending(void) {
    return is_ending;
}

void xn_session_end(void) {
    is_ending = false;
    xn_port_reset();
}
