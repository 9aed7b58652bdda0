// The reader of bundles under libFuzzer. An input is header and rows, whose magic, version and size
// are made right: the rules behind them are reached; what follows is as long as the last row says,
// if that is little. What is taken is walked through, as a look-up would.
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_replay.h"
#include "base/xn_error.h"
#include "store/xn_bundle.h"

#define MOST 70000u // 17 members of one unit

static void must(int holds) {
    if (!holds) {
        abort();
    }
}

// How long the bundle says that it is, in a range that is worth having.
static uint32_t size_of(const uint8_t *data, size_t n) {
    uint32_t stated = 0;
    if (n >= sizeof(xn_bundle_header)) {
        memcpy(&stated, data + offsetof(xn_bundle_header, size), sizeof(stated));
    }
    return stated < n || stated > MOST ? (uint32_t)n : stated;
}

static void walk(const uint8_t *bytes, uint32_t n, uint32_t count) {
    const xn_bundle_row *rows = (const void *)(bytes + sizeof(xn_bundle_header));
    uint32_t end = (uint32_t)(sizeof(xn_bundle_header) + count * sizeof(*rows));
    must(rows[0].type == XN_STORE_BLOB);
    for (uint32_t i = 0; i < count; i++) {
        must(memchr(rows[i].name, 0, sizeof(rows[i].name)) != NULL && rows[i].name[0] != 0);
        must(rows[i].offset % XN_BUNDLE_ALIGN == 0 && rows[i].offset >= end);
        must(rows[i].offset < n && rows[i].size > 0 && rows[i].size <= n - rows[i].offset);
        for (uint32_t j = 0; j < i; j++) {
            must(strcmp(rows[i].name, rows[j].name) != 0);
        }
        end = rows[i].offset + rows[i].size;
    }
    must(end == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const xn_bundle_header right = {.magic = XN_BUNDLE_MAGIC, .version = XN_BUNDLE_VERSION};
    char text[XN_ERROR_TEXT_MAX];
    uint32_t n = size_of(data, size);
    uint8_t *bytes = calloc(1, n == 0 ? 1 : n);
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    if (size >= sizeof(right) && data[0] != 0) { // else the header is the input's own
        memcpy(bytes, &right, offsetof(xn_bundle_header, count));
        memcpy(bytes + offsetof(xn_bundle_header, size), &n, sizeof(n));
    }
    int count = xn_bundle_check(bytes, n);
    if (count > 0) {
        walk(bytes, n, (uint32_t)count);
    } else {
        must(count == XN_E_BUNDLE);
        xn_error_text(count, text);
    }
    free(bytes);
    return 0;
}
