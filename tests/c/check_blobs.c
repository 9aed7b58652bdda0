// What the loader says of blobs: `check_blobs < BLOBS`, each a little-endian length and its bytes;
// for each a line: the status, then what was noted of it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "here.h"
#include "base/xn_error.h"

#define MOST (1u << 20)

int main(void) {
    uint8_t head[4];
    uint8_t *room = aligned_alloc(64, MOST);
    CHECK(room != NULL);
    while (fread(head, 1, 4, stdin) == 4) {
        uint32_t n = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16;
        uint32_t whole = (n + 63u) & ~63u;
        CHECK(head[3] == 0 && n <= MOST && fread(room, 1, n, stdin) == n);
        uint8_t *blob = aligned_alloc(64, whole == 0 ? 64 : whole); // reading beyond it is seen
        CHECK(blob != NULL);
        memcpy(blob, room, n);
        xn_loader_program program;
        char text[XN_ERROR_TEXT_MAX];
        xn_reason why;
        const xn_loader_place place = here(UINT32_MAX);
        int status = xn_loader_check(&program, blob, n, &place, &why);
        (void)xn_error_reason(status, &why);
        xn_error_text(status, text);
        printf("%d %s\n", status, text);
        free(blob);
    }
    free(room);
    return 0;
}
