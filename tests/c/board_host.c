// The core as a board on a pipe: bytes in on stdin, bytes out on stdout. `board_host FLASH_FILE
// ARENA_BYTES`; the file's size is that of the flash.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port_host.h"
#include "base/xn_msgpack.h"
#include "base/xn_status.h"
#include "link/xn_link.h"
#include "rpc/xn_event.h"
#include "rpc/xn_lane.h"
#include "rpc/xn_server.h"

static void send_out(const uint8_t *bytes, uint32_t n) {
    while (n > 0) {
        ssize_t sent = write(1, bytes, n);
        CHECK(sent > 0);
        bytes += sent;
        n -= (uint32_t)sent;
    }
}

// A VM of few words. exec: "hold" works until interrupted, "raise" fails, other sources are
// printed. eval: the source's bytes are msgpack already. call: gives back its arguments, or notes
// an event where they were asked for. rpc_list: gives back its parameter.
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

// Bytes that came while a model runs.
static void receive_what_is_there(void) {
    struct pollfd in = {0, POLLIN, 0};
    uint8_t bytes[4096];
    while (poll(&in, 1, 0) == 1 && (in.revents & POLLIN) != 0) {
        ssize_t n = read(0, bytes, sizeof(bytes));
        for (ssize_t i = 0; i < n; i++) {
            xn_link_receive(bytes[i]);
        }
        if (n <= 0) {
            return;
        }
    }
}

static void work(void) {
    const xn_lane_request *request;
    xn_server_poll();
    while ((request = xn_lane_take()) != NULL) {
        serve(request);
    }
    for (int c; (c = xn_link_text_get()) >= 0;) {
        uint8_t echo = (uint8_t)c;
        xn_link_send_text(&echo, 1); // a terminal
    }
}

int main(int argc, char **argv) {
    struct stat file;
    CHECK(argc == 3 && stat(argv[1], &file) == 0);
    xn_port_flash flash = {(uint32_t)file.st_size, 4096, 256, 16};
    host_init(&flash, argv[1]);
    host_set_arena((uint32_t)atoi(argv[2]));
    host_sent = send_out;
    host_on_step = receive_what_is_there;
    xn_lane_on_interrupt = interrupt;
    xn_lane_vm_version = "host";
    xn_server_init();
    uint8_t byte; // one at a time: the rest can still come while a model runs
    while (host.resets == 0 && read(0, &byte, 1) == 1) {
        xn_link_receive(byte);
        if (byte == 0 || xn_link_text_ready()) {
            work(); // as a board would soon after the interrupt
        }
    }
    return 0;
}
