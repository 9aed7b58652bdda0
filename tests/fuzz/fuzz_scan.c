// The scan of code under libFuzzer. An input is the code; its last bytes name the steps: one byte
// how many (0 to 7), two bytes for each.
#include <stdlib.h>
#include <string.h>

#include "fuzz_replay.h"
#include "model/xn_scan.h"

#define STEPS_MAX 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    uint32_t steps[STEPS_MAX];
    uint32_t count = n == 0 ? 0 : data[--n] % STEPS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (n < 2) {
            return 0;
        }
        n -= 2;
        steps[i] = ((uint32_t)data[n] | (uint32_t)data[n + 1] << 8) & ~1u;
    }
    uint32_t bytes = (uint32_t)n & ~3u;
    for (uint32_t i = 0; i < count; i++) {
        if (steps[i] >= bytes) {
            return 0;
        }
    }
    uint8_t *code = aligned_alloc(4, bytes); // reading beyond it is seen
    xn_reason why;
    memcpy(code, data, bytes);
    (void)xn_scan_code(code, bytes, steps, count, &why);
    free(code);
    return 0;
}
