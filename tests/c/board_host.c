// The core as a process whose VM knows few words: `board_host FLASH_FILE ARENA_BYTES`.
#include <string.h>

#include "check.h"
#include "base/xn_msgpack.h"
#include "base/xn_status.h"
#include "boards/host/process.h"
#include "link/xn_link.h"
#include "rpc/xn_event.h"

// A VM of few words. exec: "hold" works until interrupted, "raise" fails, other sources are
// printed. eval: the source's bytes are msgpack already. call: gives back its arguments, or notes
// an event if the host asked for events. rpc_list: gives back its parameter.
static uint32_t held;
static bool is_held;

static void interrupt(void) {
    if (is_held) {
        is_held = false;
        xn_lane_error(held, XN_E_INTERRUPTED, "interrupted", NULL);
    }
}

static bool is_source(const xn_lane_request *request, const char *text) {
    return request->text_bytes == strlen(text) &&
           memcmp(request->text, text, request->text_bytes) == 0;
}

static void raise_long_traceback(uint32_t id) {
    static char traceback[2 * XN_FRAME_MAX];
    for (uint32_t i = 0; i + 2 < sizeof(traceback); i += 2) {
        memcpy(traceback + i, "\xC3\xA9", 2); // two bytes of UTF-8 each
    }
    xn_lane_error(id, XN_E_PYTHON, "ValueError: bad", traceback);
}

static void reply_arguments(const xn_lane_request *request) {
    xn_reader r = xn_reader_of(request->params, request->params_bytes);
    CHECK(xn_msgpack_skip(&r) == XN_OK);
    xn_lane_reply(request->id, request->params, request->params_bytes - r.left);
    CHECK(xn_msgpack_skip(&r) == XN_OK && r.left == 0);
    uint32_t number;
    if (xn_event_next(&number)) {
        uint8_t event[] = {0x93, 2, 0xA5, 'e', 'v', 'e', 'n', 't', 0x91, (uint8_t)number};
        xn_event_send(event, sizeof(event));
    }
}

static void serve(const xn_lane_request *request) {
    static const uint8_t nil[1] = {0xC0};
    if (request->kind == XN_LANE_EVAL) {
        xn_lane_reply(request->id, (const uint8_t *)request->text, request->text_bytes);
    } else if (request->kind == XN_LANE_CALL) {
        reply_arguments(request);
    } else if (request->kind == XN_LANE_LIST) {
        xn_lane_reply(request->id, request->params, request->params_bytes);
    } else if (is_source(request, "hold")) {
        held = request->id;
        is_held = true;
    } else if (is_source(request, "raise")) {
        raise_long_traceback(request->id);
    } else {
        xn_link_send_text((const uint8_t *)request->text, request->text_bytes);
        xn_lane_reply(request->id, nil, 1);
    }
}

static void echo(uint8_t byte) {
    xn_link_send_text(&byte, 1);
}

int main(int argc, char **argv) {
    static const xn_process_vm vm = {
        .version = "host", .serve = serve, .interrupt = interrupt, .typed = echo, .fd = -1};
    return xn_process_run(argc, argv, &vm);
}
