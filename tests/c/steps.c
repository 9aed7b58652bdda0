// Steps of the test blobs, compiled to position-independent code for the machine the tests run on.
// Input: bytes 0 to 15 of the arena; output: bytes 16 to 31; a head's result: from byte 32.
#include "xn_blob.h"

int32_t step_add(const xn_ctx *ctx);
int32_t step_head(const xn_ctx *ctx);
int32_t step_slow(const xn_ctx *ctx);
int32_t step_fail(const xn_ctx *ctx);
int32_t step_fault(const xn_ctx *ctx);
int32_t step_hang(const xn_ctx *ctx);
int32_t step_long(const xn_ctx *ctx);
int32_t step_not_here(const xn_ctx *ctx);

int32_t step_add(const xn_ctx *ctx) {
    for (int i = 0; i < 16; i++) {
        ctx->arena[16 + i] = (uint8_t)(ctx->arena[i] + ctx->weights[i]);
    }
    return 0;
}

// The first output byte, 20 times.
int32_t step_head(const xn_ctx *ctx) {
    for (int i = 0; i < 20; i++) {
        ctx->arena[32 + i] = ctx->arena[16];
    }
    return 0;
}

int32_t step_slow(const xn_ctx *ctx) {
    volatile uint8_t *byte = ctx->arena + 63;
    for (int i = 0; i < 1000000; i++) {
        *byte = (uint8_t)i;
    }
    return 0;
}

int32_t step_fail(const xn_ctx *ctx) {
    (void)ctx;
    return -7;
}

// As XN_HOST_STEP_FAULTS and what follows it in boards/host/host.h.
int32_t step_fault(const xn_ctx *ctx) {
    (void)ctx;
    return -1000;
}

int32_t step_hang(const xn_ctx *ctx) {
    (void)ctx;
    return -1001;
}

int32_t step_long(const xn_ctx *ctx) {
    (void)ctx;
    return -1002;
}

int32_t step_not_here(const xn_ctx *ctx) {
    (void)ctx;
    return -1003;
}
