// What the board's reader says of bundles: `check_bundles < BUNDLES`, each a little-endian length
// and its bytes; for each a line: the number of members or the status, then what was noted of it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "base/xn_error.h"
#include "store/xn_bundle.h"

#define MOST (1u << 20)

int main(void) {
    uint8_t head[4];
    uint8_t *room = malloc(MOST);
    CHECK(room != NULL);
    while (fread(head, 1, 4, stdin) == 4) {
        uint32_t n = (uint32_t)head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16;
        CHECK(head[3] == 0 && n <= MOST && fread(room, 1, n, stdin) == n);
        uint8_t *bundle = malloc(n == 0 ? 1 : n); // reading beyond it is seen
        CHECK(bundle != NULL);
        memcpy(bundle, room, n);
        char text[XN_ERROR_TEXT_MAX];
        int status = xn_bundle_check(bundle, n);
        xn_error_text(status < 0 ? status : 0, text);
        printf("%d %s\n", status, text);
        free(bundle);
    }
    free(room);
    return 0;
}
