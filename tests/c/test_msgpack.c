// MessagePack: what the writer writes the reader reads; no prefix is taken for a value.
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "base/xn_msgpack.h"
#include "base/xn_status.h"

static uint8_t buffer[70000];

static xn_reader written(const xn_msgpack_writer *w) {
    CHECK(!w->full);
    return xn_reader_of(w->start, w->used);
}

static void check_integer(int64_t number) {
    xn_msgpack_writer w;
    xn_msgpack_value v;
    xn_msgpack_begin(&w, buffer, 9);
    xn_msgpack_put_int(&w, number);
    for (uint32_t n = 0; n < w.used; n++) {
        xn_reader r = xn_reader_of(buffer, n);
        CHECK(xn_msgpack_read(&r, &v) == XN_E_MSGPACK);
    }
    xn_reader r = written(&w);
    CHECK(xn_msgpack_read(&r, &v) == XN_OK && r.left == 0);
    CHECK(v.type == XN_MSGPACK_INT && v.integer == number);
}

static void test_integers(void) {
    for (int shift = 0; shift < 63; shift++) {
        for (int64_t near = -2; near <= 2; near++) {
            check_integer(((int64_t)1 << shift) + near);
            check_integer(-((int64_t)1 << shift) + near);
        }
    }
    check_integer(INT64_MAX);
    check_integer(INT64_MIN);
    xn_msgpack_writer w;
    xn_msgpack_value v;
    uint32_t number;
    xn_msgpack_begin(&w, buffer, 9);
    xn_msgpack_put_uint(&w, UINT64_MAX);
    xn_reader r = written(&w);
    CHECK(xn_msgpack_read(&r, &v) == XN_OK && v.type == XN_MSGPACK_UINT && v.integer == -1);
    r = written(&w);
    CHECK(xn_msgpack_read_u32(&r, &number) == XN_E_MSGPACK);
}

static void test_reals(void) {
    xn_msgpack_writer w;
    xn_msgpack_value v;
    xn_msgpack_begin(&w, buffer, 14);
    xn_msgpack_put_float(&w, 1.5f);
    xn_msgpack_put_double(&w, -1e300);
    xn_reader r = written(&w);
    CHECK(xn_msgpack_read(&r, &v) == XN_OK && v.type == XN_MSGPACK_FLOAT && v.real == 1.5);
    CHECK(xn_msgpack_read(&r, &v) == XN_OK && v.real == -1e300 && r.left == 0);
}

static void test_bytes_of_every_width(void) {
    static const uint32_t sizes[] = {0, 1, 31, 32, 255, 256, 65535, 65536};
    static const uint8_t zeros[65536];
    for (uint32_t i = 0; i < 8; i++) {
        const uint8_t *bytes;
        const char *text;
        uint32_t n;
        xn_msgpack_writer w;
        xn_msgpack_begin(&w, buffer, sizeof(buffer));
        xn_msgpack_put_bin(&w, zeros, sizes[i]);
        xn_reader r = written(&w);
        CHECK(xn_msgpack_read_bin(&r, &bytes, &n) == XN_OK && n == sizes[i] && r.left == 0);
        r = xn_reader_of(buffer, w.used - 1);
        CHECK(sizes[i] == 0 || xn_msgpack_read_bin(&r, &bytes, &n) == XN_E_MSGPACK);
        xn_msgpack_begin(&w, buffer, sizeof(buffer));
        xn_msgpack_put_str(&w, (const char *)zeros, sizes[i]);
        r = written(&w);
        CHECK(xn_msgpack_read_str(&r, &text, &n) == XN_OK && n == sizes[i] && r.left == 0);
        r = written(&w);
        CHECK(xn_msgpack_read_bin(&r, &bytes, &n) == XN_E_MSGPACK); // a str is no bin
    }
}

static void test_containers(void) {
    static const uint32_t counts[] = {0, 15, 16, 30000};
    for (uint32_t i = 0; i < 4; i++) {
        xn_msgpack_writer w;
        uint32_t n;
        xn_msgpack_begin(&w, buffer, sizeof(buffer));
        xn_msgpack_put_map(&w, counts[i]);
        for (uint32_t j = 0; j < 2 * counts[i]; j++) {
            xn_msgpack_put_nil(&w);
        }
        xn_reader r = written(&w);
        CHECK(xn_msgpack_skip(&r) == XN_OK && r.left == 0);
        r = xn_reader_of(buffer, w.used - 1);
        CHECK(counts[i] == 0 || xn_msgpack_skip(&r) == XN_E_MSGPACK);
        r = written(&w);
        CHECK(xn_msgpack_read_map(&r, &n) == XN_OK && n == counts[i]);
    }
}

static void check_ext(const xn_msgpack_writer *w, int64_t type, uint32_t n) {
    xn_msgpack_value v;
    for (uint32_t cut = 0; cut < w->used; cut++) {
        xn_reader r = xn_reader_of(buffer, cut);
        CHECK(xn_msgpack_read(&r, &v) == XN_E_MSGPACK);
    }
    xn_reader r = written(w);
    CHECK(xn_msgpack_read(&r, &v) == XN_OK && r.left == 0);
    CHECK(v.type == XN_MSGPACK_EXT && v.integer == type && v.count == n);
    CHECK(n == 0 || v.bytes[n - 1] == 0x5A);
    r = written(w);
    CHECK(xn_msgpack_skip(&r) == XN_OK && r.left == 0);
}

static void test_ext(void) {
    static const uint32_t sizes[] = {0, 1, 16, 255, 256, 300};
    xn_msgpack_writer w;
    for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        xn_msgpack_begin(&w, buffer, sizeof(buffer));
        memset(xn_msgpack_put_ext_space(&w, -2, sizes[i]), 0x5A, sizes[i]);
        check_ext(&w, -2, sizes[i]);
    }
    for (uint32_t log = 0; log <= 4; log++) { // fixext, which others write
        uint32_t n = 1u << log;
        xn_msgpack_begin(&w, buffer, sizeof(buffer));
        buffer[0] = (uint8_t)(0xD4u + log);
        buffer[1] = 9;
        memset(buffer + 2, 0x5A, n);
        w.used = n + 2u;
        check_ext(&w, 9, n);
    }
}

static void test_depth(void) {
    for (uint32_t depth = 1; depth < 40; depth++) {
        memset(buffer, 0x91, depth);
        buffer[depth] = 0xC0;
        xn_reader r = xn_reader_of(buffer, depth + 1);
        CHECK((xn_msgpack_skip(&r) == XN_OK) == (depth <= XN_MSGPACK_DEPTH));
    }
}

static void test_hostile_heads(void) {
    static const uint8_t heads[][6] = {
        {0xC1},          // never used
        {0xC7, 5, 1, 0}, // ext of more bytes than follow
        {0xC9, 0xFF, 0xFF, 0xFF, 0xFF, 1},
        {0xD8, 1, 0},                         // fixext 16
        {0xDD, 0xFF, 0xFF, 0xFF, 0xFF, 0xC0}, // more items than bytes
        {0xDF, 0x80, 0, 0, 0, 0xC0},          // twice that overflows
        {0xC6, 0xFF, 0xFF, 0xFF, 0xFF, 0},
        {0xDB, 0xFF, 0xFF, 0xFF, 0xFC, 0},
    };
    for (uint32_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        xn_reader r = xn_reader_of(heads[i], sizeof(heads[i]));
        CHECK(xn_msgpack_skip(&r) == XN_E_MSGPACK);
    }
}

static void test_full(void) {
    for (uint32_t size = 0; size < 20; size++) {
        xn_msgpack_writer w;
        memset(buffer, 0xEE, 32);
        xn_msgpack_begin(&w, buffer, size);
        xn_msgpack_put_array(&w, 2);
        xn_msgpack_put_text(&w, "twelve chars");
        xn_msgpack_put_uint(&w, 70000);
        CHECK(w.full == (size < 19) && w.used <= size && buffer[size] == 0xEE);
        xn_msgpack_put_nil(&w); // stays full, although this would fit
        CHECK(w.full);
    }
}

int main(void) {
    test_integers();
    test_reals();
    test_bytes_of_every_width();
    test_containers();
    test_ext();
    test_depth();
    test_hostile_heads();
    test_full();
    puts("ok");
    return 0;
}
