// Unpacks stdin: `unpack_tool SIZE PIXEL ROW FLIP`; for the test of the two halves together.
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "model/xn_unpack.h"

int main(int argc, char **argv) {
    CHECK(argc == 5);
    static uint8_t packed[1 << 16];
    size_t n = fread(packed, 1, sizeof(packed), stdin);
    xn_unpack_shape shape = {(uint32_t)atoi(argv[1]), (uint32_t)atoi(argv[2]),
                             (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4])};
    uint8_t *exact = malloc(n + 1), *to = malloc(shape.size + 1);
    for (size_t i = 0; i < n; i++) {
        exact[i] = packed[i];
    }
    CHECK(xn_unpack_fits(&shape));
    xn_unpack(&shape, exact, (uint32_t)n, to);
    fwrite(to, 1, shape.size, stdout);
    free(exact);
    free(to);
    return 0;
}
