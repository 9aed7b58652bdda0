// The core's SHA-256 and CRC-32 against published vectors: FIPS 180-2 appendix B, the CRC
// catalogue.
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "base/xn_crc32.h"
#include "base/xn_sha256.h"

static void expect_sha256(const uint8_t *bytes, uint32_t n, uint32_t piece, const char *hex) {
    xn_sha256 h;
    uint8_t digest[32];
    char text[65];
    xn_sha256_begin(&h);
    for (uint32_t at = 0; at < n; at += piece) {
        xn_sha256_add(&h, bytes + at, n - at < piece ? n - at : piece);
    }
    xn_sha256_end(&h, digest);
    for (int i = 0; i < 32; i++) {
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    }
    CHECK(strcmp(text, hex) == 0);
}

static void test_sha256(void) {
    static uint8_t million[1000000];
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static const uint32_t pieces[] = {1, 3, 55, 56, 63, 64, 65, 1000};
    memset(million, 'a', sizeof(million));
    for (uint32_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        expect_sha256(NULL, 0, pieces[i],
                      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        expect_sha256((const uint8_t *)"abc", 3, pieces[i],
                      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        expect_sha256((const uint8_t *)two_blocks, 56, pieces[i],
                      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        expect_sha256(million, sizeof(million), pieces[i],
                      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

static void expect_crc32(const void *bytes, uint32_t n, uint32_t crc) {
    const uint8_t *p = bytes;
    CHECK(~xn_crc32_update(XN_CRC32_INIT, p, n) == crc);
    for (uint32_t cut = 0; cut <= n; cut++) {
        uint32_t first = xn_crc32_update(XN_CRC32_INIT, p, cut);
        CHECK(~xn_crc32_update(first, p + cut, n - cut) == crc);
    }
}

static void test_crc32(void) {
    static const uint8_t zeros[32];
    expect_crc32("", 0, 0);
    expect_crc32("123456789", 9, 0xCBF43926);
    expect_crc32("The quick brown fox jumps over the lazy dog", 43, 0x414FA339);
    expect_crc32(zeros, 32, 0x190A55AD);
}

int main(void) {
    test_sha256();
    test_crc32();
    puts("ok");
    return 0;
}
