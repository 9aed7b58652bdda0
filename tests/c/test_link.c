// Frames and text on one line: the table of SPEC-wire section 1, byte by byte.
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "link/xn_frame.h"
#include "link/xn_link.h"
#include "base/xn_sha256.h"

static uint8_t line[3 * (XN_FRAME_MAX + 100)];
static uint32_t line_n;
static uint32_t random_state = 12345;

static uint32_t next_random(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static void keep(const uint8_t *bytes, uint32_t n) {
    CHECK(line_n + n <= sizeof(line));
    memcpy(line + line_n, bytes, n);
    line_n += n;
}

static void receive(const uint8_t *bytes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        xn_link_receive(bytes[i]);
    }
}

// Encodes a body into `line`.
static void encode(const uint8_t *body, uint32_t n) {
    line_n = 0;
    xn_host_sent = keep;
    xn_link_send_frame(body, n);
    for (uint32_t i = 1; i + 1 < line_n; i++) {
        CHECK(line[i] != 0);
    }
    CHECK(line[0] == 0 && line[line_n - 1] == 0);
}

static void expect_frame(const uint8_t *body, uint32_t n) {
    uint32_t got;
    const uint8_t *p = xn_link_frame(0, &got);
    CHECK(p != NULL && got == n && memcmp(p, body, n) == 0);
    xn_link_frame_done(0);
    CHECK(xn_link_frames() == 0);
}

static void expect_text(const char *text) {
    for (; *text != 0; text++) {
        CHECK(xn_link_text_get() == (uint8_t)*text);
    }
    CHECK(xn_link_text_get() == -1);
}

static void test_every_length(void) {
    static uint8_t body[XN_FRAME_MAX];
    for (int kind = 0; kind < 3; kind++) { // all 0, none 0, mixed
        for (uint32_t n = 1; n <= XN_FRAME_MAX; n += n < 1030 ? 1 : 511) {
            for (uint32_t i = 0; i < n; i++) {
                body[i] = (uint8_t)(kind == 0 ? 0 : kind == 1 ? 1 + i % 255 : next_random() % 3);
            }
            encode(body, n);
            receive(line, line_n);
            expect_frame(body, n);
        }
    }
}

static void test_text_around(void) {
    encode((const uint8_t *)"body", 4);
    receive((const uint8_t *)"before", 6);
    receive(line, line_n);
    receive((const uint8_t *)"after", 5);
    expect_frame((const uint8_t *)"body", 4);
    expect_text("beforeafter");
}

// The line fails after every byte of a frame; the next frame must come through.
static void test_cut_everywhere(void) {
    uint8_t first[400];
    for (uint32_t i = 0; i < sizeof(first); i++) {
        first[i] = (uint8_t)(next_random() % 5);
    }
    encode(first, sizeof(first));
    uint32_t whole = line_n - 1; // without the last 00, which the next frame's first one replaces
    for (uint32_t cut = 0; cut < whole; cut++) {
        xn_link_init();
        encode(first, sizeof(first));
        receive(line, cut);
        encode((const uint8_t *)"next", 4);
        receive(line, line_n);
        if (xn_link_frames() == 0) { // its opening 00 closed the broken one
            receive(line, line_n);
        }
        expect_frame((const uint8_t *)"next", 4);
        receive((const uint8_t *)"x", 1);
        expect_text("x");
    }
}

static void test_every_byte_changed(void) {
    uint8_t body[300];
    for (uint32_t i = 0; i < sizeof(body); i++) {
        body[i] = (uint8_t)next_random();
    }
    for (uint32_t at = 1; at < 300; at++) {
        xn_link_init();
        encode(body, sizeof(body));
        line[at] ^= (uint8_t)(1u << (at & 7u));
        receive(line, line_n);
        CHECK(xn_link_frames() == 0);
        receive(line, 1); // resynchronise: 00
        encode(body, sizeof(body));
        receive(line, line_n);
        expect_frame(body, sizeof(body));
    }
}

static void test_resynchronise(void) {
    xn_link_init();
    receive((const uint8_t *)"\0\0\0\0", 4); // 00 00 is never an error
    encode((const uint8_t *)"a", 1);
    receive(line, line_n);
    expect_frame((const uint8_t *)"a", 1);
    CHECK(xn_link_count()->bad_frames == 0);
    receive((const uint8_t *)"\0noise", 6); // a lone 00, then noise, then a frame
    receive(line, line_n);
    expect_frame((const uint8_t *)"a", 1);
    CHECK(xn_link_count()->bad_frames == 1);
}

static void test_a_much_slower_sender(void) {
    xn_link_init();
    for (int i = 0; i < 65; i++) { // all that arrives of it
        receive((const uint8_t *)"\0", 1);
    }
    CHECK(xn_link_count()->bad_frames == 8);
    encode((const uint8_t *)"a", 1);
    receive(line, line_n);
    expect_frame((const uint8_t *)"a", 1);
}

static void test_silence(void) {
    xn_link_init();
    receive((const uint8_t *)"\0abc", 4);
    xn_link_expire();
    CHECK(xn_link_in_frame());
    xn_host.clock_skip_us += 900000;
    xn_link_expire();
    CHECK(xn_link_in_frame());
    receive((const uint8_t *)"d", 1);
    xn_link_expire();
    xn_host.clock_skip_us += 900000;
    xn_link_expire();
    CHECK(xn_link_in_frame());
    xn_host.clock_skip_us += 200000;
    xn_link_expire();
    CHECK(!xn_link_in_frame() && xn_link_count()->stale_frames == 1);
    receive((const uint8_t *)"text", 4);
    expect_text("text");
}

static void test_too_long(void) {
    static uint8_t body[XN_FRAME_MAX + 2];
    memset(body, 7, sizeof(body));
    xn_link_init();
    for (uint32_t n = XN_FRAME_MAX + 1; n <= sizeof(body); n++) {
        encode(body, n);
        receive(line, line_n);
        CHECK(xn_link_frames() == 0);
    }
    CHECK(xn_link_count()->long_frames == 2);
    encode(body, XN_FRAME_MAX);
    receive(line, line_n);
    expect_frame(body, XN_FRAME_MAX);
}

static void test_window_full(void) {
    uint32_t n;
    xn_link_init();
    for (uint8_t i = 0; i < XN_LINK_WINDOW + 2; i++) {
        encode(&i, 1);
        receive(line, line_n);
    }
    CHECK(xn_link_frames() == XN_LINK_WINDOW && xn_link_count()->lost_frames == 2);
    for (uint32_t i = 0; i < XN_LINK_WINDOW; i++) {
        CHECK(*xn_link_frame(i, &n) == i && n == 1);
    }
    xn_link_frame_done(1); // not the first: its place stays taken
    CHECK(xn_link_frames() == XN_LINK_WINDOW && xn_link_frame(1, &n) == NULL);
    xn_link_frame_done(0); // now both go
    CHECK(xn_link_frames() == XN_LINK_WINDOW - 2 && *xn_link_frame(0, &n) == 2);
    for (uint8_t i = 0; i < 2; i++) {
        encode(&i, 1);
        receive(line, line_n);
    }
    CHECK(xn_link_frames() == XN_LINK_WINDOW && xn_link_count()->lost_frames == 2);
}

// What is done behind one that waits makes room again, but not under a frame that is on its way.
static void test_done_from_behind(void) {
    uint32_t n;
    xn_link_init();
    for (uint8_t i = 0; i < 3 * XN_LINK_WINDOW; i++) {
        encode(&i, 1);
        receive(line, line_n);
        if (i > 0) {
            CHECK(*xn_link_frame(1, &n) == i);
            xn_link_frame_done(1);
            CHECK(xn_link_frames() == 1 && *xn_link_frame(0, &n) == 0);
        }
    }
    encode((const uint8_t *)"done", 4);
    receive(line, line_n);
    for (uint32_t cut = 0; cut < 2; cut++) {
        encode((const uint8_t *)"on its way", 10);
        receive(line, 1 + 5 * cut);
        xn_link_frame_done(1);
        CHECK(xn_link_frames() == 1 + cut);
        receive(line + 1 + 5 * cut, line_n - 1 - 5 * cut);
        const uint8_t *body = xn_link_frame(1 + cut, &n);
        CHECK(body != NULL && n == 10 && memcmp(body, "on its way", 10) == 0);
    }
    CHECK(xn_link_frames() == 3 && xn_link_frame(1, &n) == NULL &&
          xn_link_count()->lost_frames == 0);
    xn_link_frame_done(2);
    CHECK(xn_link_frames() == 1);
}

static bool take_ctrl_c(uint8_t byte) {
    return byte == 3;
}

static void test_text(void) {
    xn_link_init();
    line_n = 0;
    xn_link_send_text((const uint8_t *)"\0ab\0\0c\0", 7);
    CHECK(line_n == 3 && memcmp(line, "abc", 3) == 0);
    for (uint32_t round = 0; round < 3; round++) { // the ring's end is within the second
        for (uint32_t i = 0; i < XN_LINK_TEXT_RING - 1 + 5; i++) {
            xn_link_receive((uint8_t)(1 + i % 100));
        }
        CHECK(xn_link_count()->lost_text == 5 * (round + 1));
        for (uint32_t i = 0; i < XN_LINK_TEXT_RING - 1 - (round < 2 ? 0 : 7); i++) {
            CHECK(xn_link_text_get() == (int)(1 + i % 100));
        }
    }
    CHECK(xn_link_text_ready());
    xn_link_init();
    CHECK(!xn_link_text_ready());
    xn_link_on_text = take_ctrl_c;
    receive((const uint8_t *)"a\3b", 3);
    xn_link_on_text = NULL;
    expect_text("ab");
}

// Noise of every kind: nothing may break, and the counters must tell.
static void test_noise(void) {
    xn_link_init();
    for (uint32_t i = 0; i < 300000; i++) {
        xn_link_receive((uint8_t)(next_random() % 7 == 0 ? 0 : next_random()));
        xn_link_text_get();
    }
    CHECK(xn_link_count()->bad_frames > 1000 && xn_link_frames() == 0);
}

static void test_sha256(void) {
    static const uint8_t of_abc[4] = {0xBA, 0x78, 0x16, 0xBF};
    uint8_t whole[32];
    uint8_t parts[32];
    uint8_t bytes[300];
    xn_sha256 h;
    xn_sha256_begin(&h);
    xn_sha256_add(&h, "abc", 3);
    xn_sha256_end(&h, whole);
    CHECK(memcmp(whole, of_abc, 4) == 0);
    memset(bytes, 0x5A, sizeof(bytes));
    for (uint32_t n = 0; n <= sizeof(bytes); n++) { // whole = parts, at every length
        xn_sha256_begin(&h);
        xn_sha256_add(&h, bytes, n);
        xn_sha256_end(&h, whole);
        xn_sha256_begin(&h);
        for (uint32_t i = 0; i < n; i++) {
            xn_sha256_add(&h, bytes + i, 1);
        }
        xn_sha256_end(&h, parts);
        CHECK(memcmp(whole, parts, 32) == 0);
    }
}

int main(void) {
    static const xn_port_flash flash = {65536, 4096, 256, 1, 0, 0};
    xn_host_init(&flash, NULL);
    xn_link_init();
    test_every_length();
    test_text_around();
    test_cut_everywhere();
    test_every_byte_changed();
    test_resynchronise();
    test_a_much_slower_sender();
    test_silence();
    test_too_long();
    test_window_full();
    test_done_from_behind();
    test_text();
    test_noise();
    test_sha256();
    puts("ok");
    return 0;
}
