// The loader under libFuzzer. An input is a blob, whose length and SHA-256 are made right: the
// rules behind them are reached. What is taken is walked through, as the firmware would.
#include <stdlib.h>
#include <string.h>

#include "fuzz_replay.h"
#include "walk_program.h"
#include "here.h"
#include "base/xn_sha256.h"

#define ARENA_BYTES 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    n &= ~(size_t)63u; // of a length that a blob has
    uint8_t *blob = aligned_alloc(64, n == 0 ? 64 : n);
    memcpy(blob, data, n);
    if (n >= sizeof(xn_blob_header)) {
        uint32_t total = (uint32_t)n;
        memcpy(blob + 4, &total, sizeof(total));
        xn_sha256_of(blob + 40, total - 40u, blob + 8, NULL);
    }
    xn_loader_program program;
    xn_reason why;
    const xn_loader_place place = here(ARENA_BYTES);
    if (xn_loader_check(&program, blob, (uint32_t)n, &place, &why) == 0) {
        walk_program(&program);
    }
    free(blob);
    return 0;
}
