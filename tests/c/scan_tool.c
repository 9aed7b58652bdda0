// What the scan says of code: `scan_tool < PROGRAMS`, each two numbers of 32 bits (bytes of code,
// number of steps), the steps, the code; for each a line: the status, then what was noted.
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "base/xn_error.h"
#include "model/xn_scan.h"

int main(void) {
    uint32_t head[2];
    while (fread(head, sizeof(head), 1, stdin) == 1) {
        uint32_t *steps = calloc(head[1] + 1u, sizeof(uint32_t));
        uint8_t *code = malloc(head[0]); // reading beyond it is seen
        CHECK(steps != NULL && code != NULL);
        CHECK(fread(steps, sizeof(uint32_t), head[1], stdin) == head[1]);
        CHECK(fread(code, 1, head[0], stdin) == head[0]);
        char text[XN_ERROR_TEXT_MAX];
        xn_reason why = {0};
        int status = xn_scan_code(code, head[0], steps, head[1], &why);
        (void)xn_error_reason(status, &why);
        xn_error_text(status, text);
        printf("%d %s\n", status, text);
        free(steps);
        free(code);
    }
    return 0;
}
