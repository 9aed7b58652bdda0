// The model tests itself. Write your own program in this one's place.
#include "exported.h"

static uint8_t arena[EXPORTED_ARENA_BYTES] __attribute__((aligned(16)));

int main(void) {
    xn_model model;
    int32_t status = xn_model_open(&model, exported_blob, arena, sizeof arena);
    if (status == 0) {
        status = xn_model_test(&model, EXPORTED_GOLDEN_CRC32);
    }
    return status == 0 ? 0 : 1;
}
