// Hosts on several lines (xn_link.h): the core with XN_LINK_LINES=3.
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xn_msgpack.h"
#include "base/xn_status.h"
#include "link/xn_link.h"
#include "rpc/xn_event.h"
#include "rpc/xn_lane.h"
#include "rpc/xn_server.h"
#include "rpc/xn_session.h"

_Static_assert(XN_LINK_LINES == 3, "a test of three lines");

static xn_reply_cache caches[XN_LINK_LINES];

// ---- What each host received last ---------------------------------------------------------------

static struct {
    uint8_t body[XN_FRAME_MAX + 4u];
    int32_t n; // of the last whole frame
    uint32_t frames;
    xn_frame_decoder decoder;
    bool in_frame;
} hosts[XN_LINK_LINES];

static void hear(uint32_t line, uint8_t byte) {
    if (byte != 0) {
        if (hosts[line].in_frame && xn_frame_decode_empty(&hosts[line].decoder)) {
            xn_frame_decode_begin(&hosts[line].decoder, hosts[line].body, sizeof(hosts[0].body));
        }
        xn_frame_decode_byte(&hosts[line].decoder, byte);
        return;
    }
    if (hosts[line].in_frame && !xn_frame_decode_empty(&hosts[line].decoder)) {
        hosts[line].n = xn_frame_decode_end(&hosts[line].decoder);
        CHECK(hosts[line].n > 0);
        hosts[line].frames++;
        hosts[line].in_frame = false;
        return;
    }
    hosts[line].in_frame = true;
    xn_frame_decode_begin(&hosts[line].decoder, NULL, 0);
}

static void on_own(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        hear(0, bytes[i]);
    }
}

static void on_other(uint32_t line, const uint8_t *bytes, uint32_t n) {
    CHECK(line > 0 && line < XN_LINK_LINES);
    for (uint32_t i = 0; i < n; i++) {
        hear(line, bytes[i]);
    }
}

// ---- Requests -----------------------------------------------------------------------------------

static uint8_t request[XN_FRAME_MAX];
static xn_msgpack_writer w;

static void begin(uint32_t id, const char *method, uint32_t params) {
    xn_msgpack_begin(&w, request, sizeof(request));
    xn_msgpack_put_array(&w, 4);
    xn_msgpack_put_uint(&w, 0);
    xn_msgpack_put_uint(&w, id);
    xn_msgpack_put_text(&w, method);
    xn_msgpack_put_array(&w, params);
}

static void into_receiver(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        xn_link_receive(bytes[i]);
    }
}

// Sends what was begun, and lets the board answer.
static void send(uint32_t line) {
    CHECK(!w.full);
    if (line == 0) {
        xn_frame_send(into_receiver, request, w.used);
    } else {
        CHECK(xn_link_deliver(line, request, w.used));
    }
    xn_server_poll();
    CHECK(xn_link_line == 0);
}

// The code of the last reply on a line, XN_OK: none. *result: what follows.
static int code_of(uint32_t line, uint32_t id, xn_reader *result) {
    uint32_t items, kind, seen;
    xn_msgpack_value v;
    xn_reader r = xn_reader_of(hosts[line].body, (uint32_t)hosts[line].n);
    CHECK(xn_msgpack_read_array(&r, &items) == XN_OK && items == 4);
    CHECK(xn_msgpack_read_u32(&r, &kind) == XN_OK && kind == 1);
    CHECK(xn_msgpack_read_u32(&r, &seen) == XN_OK && seen == id);
    CHECK(xn_msgpack_read(&r, &v) == XN_OK);
    if (v.type == XN_MSGPACK_NIL) {
        *result = r;
        return XN_OK;
    }
    CHECK(v.type == XN_MSGPACK_ARRAY && xn_msgpack_read(&r, &v) == XN_OK);
    return (int)v.integer;
}

static int code(uint32_t line, uint32_t id) {
    xn_reader result;
    return code_of(line, id, &result);
}

static uint32_t number(uint32_t line, uint32_t id) {
    xn_reader result;
    uint32_t value;
    CHECK(code_of(line, id, &result) == XN_OK);
    CHECK(xn_msgpack_read_u32(&result, &value) == XN_OK);
    return value;
}

static bool is_notified(uint32_t line, const char *topic) {
    uint32_t items, kind, n;
    const char *text;
    xn_reader r = xn_reader_of(hosts[line].body, (uint32_t)hosts[line].n);
    CHECK(xn_msgpack_read_array(&r, &items) == XN_OK && items == 3);
    CHECK(xn_msgpack_read_u32(&r, &kind) == XN_OK && kind == 2);
    CHECK(xn_msgpack_read_str(&r, &text, &n) == XN_OK);
    return n == strlen(topic) && memcmp(text, topic, n) == 0;
}

static void hello(uint32_t line, uint32_t nonce) {
    begin(1, "hello", 1);
    xn_msgpack_put_uint(&w, nonce);
    send(line);
    CHECK(code(line, 1) == XN_OK);
}

static void ping(uint32_t line, uint32_t id, uint32_t value) {
    begin(id, "ping", 1);
    xn_msgpack_put_uint(&w, value);
    send(line);
}

static void source(uint32_t line, uint32_t id, const char *method) {
    begin(id, method, 1);
    xn_msgpack_put_text(&w, "source");
    send(line);
}

static void put_begin(uint32_t line, uint32_t id, const char *name) {
    begin(id, "put_begin", 4);
    xn_msgpack_put_text(&w, name);
    xn_msgpack_put_uint(&w, 3);
    xn_msgpack_put_uint(&w, 1000);
    xn_msgpack_put_bin(&w, caches, 32);
    send(line);
}

static void put_data(uint32_t line, uint32_t id, uint32_t ticket) {
    begin(id, "put_data", 3);
    xn_msgpack_put_uint(&w, ticket);
    xn_msgpack_put_uint(&w, 0);
    xn_msgpack_put_bin(&w, hosts, 256);
    send(line);
}

static void start(void) {
    static const xn_port_flash flash = {262144, 4096, 256, 16, 0, 0};
    for (uint32_t line = 1; line < XN_LINK_LINES; line++) {
        xn_session_close_line(line);
    }
    memset(hosts, 0, sizeof(hosts));
    xn_host_init(&flash, NULL);
    xn_lane_vm_version = "test";
    xn_host_sent = on_own;
    xn_link_send_on = on_other;
    xn_link_init();
    xn_server_init();
    CHECK(is_notified(0, "boot"));
    for (uint32_t line = 1; line < XN_LINK_LINES; line++) {
        CHECK(xn_session_open_line(&caches[line]) == line);
    }
    CHECK(xn_session_open_line(&caches[0]) == 0); // all are taken
}

// ---- Tests --------------------------------------------------------------------------------------

static void test_sessions(void) {
    start();
    ping(1, 2, 5);
    CHECK(is_notified(1, "boot") && hosts[2].frames == 0); // no session is open there
    for (uint32_t line = 0; line < XN_LINK_LINES; line++) {
        hello(line, 7);
        ping(line, 2, 10 + line);
        CHECK(number(line, 2) == 10 + line);
    }
    for (uint32_t line = 0; line < XN_LINK_LINES; line++) {
        uint32_t frames = hosts[line].frames;
        ping(line, 2, 99); // a repetition: the reply of that line comes again
        CHECK(number(line, 2) == 10 + line && hosts[line].frames == frames + 1);
    }
    hello(1, 8);
    ping(2, 2, 99);
    CHECK(number(2, 2) == 12); // another line's new session changes nothing
    ping(1, 2, 99);
    CHECK(number(1, 2) == 99);
}

static void test_python(void) {
    uint8_t value[600];
    xn_msgpack_writer packed;
    xn_msgpack_begin(&packed, value, sizeof(value));
    xn_msgpack_put_bin(&packed, caches, 500);
    start();
    hello(1, 7);
    hello(2, 7);
    source(1, 3, "eval");
    const xn_lane_request *of_one = xn_lane_take();
    CHECK(of_one != NULL && of_one->id == 3 && xn_link_line == 1); // what it prints goes there
    xn_link_line = 1;
    begin(3, "eval", 1);
    xn_msgpack_put_text(&w, "source");
    CHECK(xn_link_deliver(2, request, w.used));
    xn_server_poll();
    CHECK(xn_link_line == 1 && code(2, 3) == XN_E_BUSY);
    uint32_t frames = hosts[2].frames;
    xn_lane_reply(3, value, packed.used);
    CHECK(xn_link_line == 0 && code(1, 3) == XN_OK && hosts[2].frames == frames);
    source(1, 3, "eval"); // a repetition: the long reply is still there
    CHECK(code(1, 3) == XN_OK && !xn_lane_waiting());
    source(2, 4, "eval");
    CHECK(xn_lane_take()->id == 4);
    xn_lane_reply(4, value, packed.used);
    source(1, 3, "eval"); // now it is gone, and nothing is executed a second time
    CHECK(code(1, 3) == XN_E_RESULT && !xn_lane_waiting());
    source(1, 5, "eval");
    CHECK(xn_lane_take()->id == 5);
    frames = hosts[1].frames;
    xn_session_close_line(1); // while it is at work
    CHECK(xn_session_open_line(&caches[1]) == 1);
    xn_lane_reply(5, value, packed.used);
    CHECK(hosts[1].frames == frames && xn_link_line == 0);
}

static void test_uploads(void) {
    start();
    hello(1, 7);
    hello(2, 7);
    put_begin(1, 2, "one");
    CHECK(code(1, 2) == XN_OK);
    uint32_t ticket = 1;
    put_data(1, 3, ticket);
    CHECK(code(1, 3) == XN_OK);
    put_begin(2, 2, "two");
    CHECK(code(2, 2) == XN_E_BUSY);
    put_data(2, 3, ticket);
    CHECK(code(2, 3) == XN_E_SESSION); // it is another's
    hello(2, 8);
    put_data(1, 4, ticket);
    CHECK(code(1, 4) == XN_OK);
    xn_host.clock_skip_us += 6000000; // its host is gone
    put_begin(2, 4, "two");
    CHECK(code(2, 4) == XN_OK);
    put_data(1, 5, ticket);
    CHECK(code(1, 5) == XN_E_SESSION);
    xn_session_close_line(2);
    put_begin(1, 6, "one");
    CHECK(code(1, 6) == XN_OK);
}

static void test_events(void) {
    uint32_t count;
    start();
    hello(1, 7);
    hello(2, 7);
    begin(2, "events", 0);
    send(1);
    xn_link_line = 1;
    CHECK(xn_event_next(&count) && count == 0);
    xn_link_line = 2;
    CHECK(!xn_event_next(&count));
    xn_link_line = 0;
}

static void test_a_speed_is_the_own_lines(void) {
    start();
    hello(0, 7);
    hello(1, 7);
    begin(2, "baud", 1);
    xn_msgpack_put_uint(&w, 230400);
    send(1);
    CHECK(code(1, 2) == XN_E_PARAMS && xn_host.baud == 0);
    begin(2, "baud", 1);
    xn_msgpack_put_uint(&w, 230400);
    send(0);
    CHECK(code(0, 2) == XN_OK && xn_host.baud == 230400);
}

static void test_the_own_receiver_keeps_its_place(void) {
    start();
    hello(0, 7);
    hello(1, 7);
    begin(2, "ping", 1);
    xn_msgpack_put_uint(&w, 3);
    xn_link_receive(0);
    CHECK(xn_link_deliver(1, request, w.used)); // it has no place yet
    xn_link_receive('x');
    CHECK(!xn_link_deliver(1, request, w.used));
    xn_link_receive(0);
    CHECK(xn_link_deliver(1, request, w.used));
    xn_server_poll();
    CHECK(number(1, 2) == 3);
    for (uint32_t i = 0; i < XN_LINK_WINDOW; i++) {
        CHECK(xn_link_deliver(2, request, w.used));
    }
    CHECK(!xn_link_deliver(1, request, w.used));
    CHECK(!xn_link_deliver(1, request, XN_FRAME_MAX + 1u));
}

// The thread is long at something: a host asks again and again for what must wait, and pings.
static void test_a_request_that_waits_keeps_no_ping_out(void) {
    start();
    hello(0, 7);
    hello(1, 7);
    begin(2, "ls", 0);
    CHECK(xn_link_deliver(1, request, w.used)); // of another host: not the same
    for (uint32_t i = 0; i < 3 * XN_LINK_WINDOW; i++) {
        begin(2, "ls", 0);
        xn_frame_send(into_receiver, request, w.used);
        begin(3 + i, "ping", 1);
        xn_msgpack_put_uint(&w, i);
        xn_frame_send(into_receiver, request, w.used);
        CHECK(xn_server_attend(false));
        CHECK(number(0, 3 + i) == i && xn_link_frames() == 2);
    }
    uint32_t frames = hosts[0].frames;
    xn_server_poll();
    CHECK(code(0, 2) == XN_OK && hosts[0].frames == frames + 1);
    CHECK(code(1, 2) == XN_OK && !xn_server_attend(false));
}

// Any order of requests, sessions and ends on all lines.
static void test_anything(void) {
    static const char *const methods[] = {"ping", "ls",       "put_begin", "put_data",
                                          "eval", "exec",     "call",      "events",
                                          "run",  "out_read", "rm",        "interrupt"};
    srand(7);
    start();
    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t line = (uint32_t)rand() % XN_LINK_LINES;
        if (rand() % 50 == 0) {
            begin(i, "hello", 1);
            xn_msgpack_put_uint(&w, (uint32_t)rand() % 3);
        } else if (rand() % 4 == 0) {
            put_begin(line, i, "any");
            continue;
        } else {
            begin(rand() % 5 ? i : i - 2, methods[rand() % 12], 1);
            xn_msgpack_put_uint(&w, (uint32_t)rand() % 3);
        }
        if (line > 0 && rand() % 100 == 0) {
            xn_session_close_line(line);
            CHECK(xn_session_open_line(&caches[line]) == line);
        }
        send(line);
        const xn_lane_request *taken = rand() % 2 ? xn_lane_take() : NULL;
        if (taken != NULL) {
            static const uint8_t nil = 0xC0;
            xn_lane_reply(taken->id, &nil, 1);
        }
        CHECK(xn_link_line == 0);
    }
    CHECK(hosts[0].frames > 10000 && hosts[1].frames > 10000 && hosts[2].frames > 10000);
}

int main(void) {
    test_sessions();
    test_python();
    test_uploads();
    test_events();
    test_a_speed_is_the_own_lines();
    test_the_own_receiver_keeps_its_place();
    test_a_request_that_waits_keeps_no_ping_out();
    test_anything();
    puts("ok");
    return 0;
}
