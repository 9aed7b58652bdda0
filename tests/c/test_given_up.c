// The thread may be given up at any instruction at which the core is not busy (xn_busy.h): a board
// that was given up there serves on. Linked with --wrap: each edge of busy is such a place.
#include "check.h"

#include <setjmp.h>
#include <stdio.h>

#include "base/xn_busy.h"
#include "base/xn_msgpack.h"
#include "base/xn_sha256.h"
#include "link/xn_frame.h"
#include "link/xn_link.h"
#include "rpc/xn_server.h"

void __real_xn_busy_begin(void);
void __real_xn_busy_end(void);
void __wrap_xn_busy_begin(void);
void __wrap_xn_busy_end(void);

static jmp_buf out;
static uint32_t edges, give_up_at; // counted from 1; 0: never
static uint32_t sent_bytes;

static void edge(void) {
    if (!xn_busy_now() && ++edges == give_up_at) {
        longjmp(out, 1);
    }
}

void __wrap_xn_busy_begin(void) {
    edge();
    __real_xn_busy_begin();
}

void __wrap_xn_busy_end(void) {
    __real_xn_busy_end();
    edge();
}

static void count_sent(const uint8_t *bytes, uint32_t n) {
    (void)bytes;
    sent_bytes += n;
}

static void into_receiver(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        xn_link_receive(bytes[i]);
    }
}

// Receives `hello`, as the number of a session.
static void receive_hello(uint32_t nonce) {
    uint8_t body[32];
    xn_msgpack_writer w;
    xn_msgpack_begin(&w, body, sizeof(body));
    xn_msgpack_put_array(&w, 4);
    xn_msgpack_put_uint(&w, 0);
    xn_msgpack_put_uint(&w, 1);
    xn_msgpack_put_text(&w, "hello");
    xn_msgpack_put_array(&w, 1);
    xn_msgpack_put_uint(&w, nonce);
    CHECK(!w.full);
    xn_frame_send(into_receiver, body, w.used);
}

static void check_served(void) {
    receive_hello(99);
    sent_bytes = 0;
    xn_server_poll();
    CHECK(sent_bytes > 0 && xn_link_frames() == 0);
}

// Runs `work` once for each edge that it has, given up there.
static void at_each_edge(void (*work)(void)) {
    volatile uint32_t at = 0;
    bool given_up;
    do {
        at = at + 1u;
        edges = 0;
        give_up_at = at;
        given_up = setjmp(out) != 0;
        if (!given_up) {
            work();
        }
        give_up_at = 0;
        check_served();
    } while (given_up);
    CHECK(at > 2); // it had both edges at least
}

static void poll(void) {
    receive_hello(1);
    xn_server_poll();
}

// As between the blocks of a long digest that Python asked for.
static void pause_digest(void) {
    receive_hello(1);
    xn_busy_pause();
    CHECK(xn_link_frames() == 0); // an urgent request waits for nobody
}

int main(void) {
    xn_host_sent = count_sent;
    static const xn_port_flash flash = {
        .size_bytes = 0x100000, .sector_bytes = 4096, .page_bytes = 256, .program_bytes = 1};
    xn_host_init(&flash, NULL);
    xn_link_init();
    xn_server_init();
    at_each_edge(poll);
    at_each_edge(pause_digest);
    puts("ok");
    return 0;
}
