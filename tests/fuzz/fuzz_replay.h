// What the fuzz targets share: built without libFuzzer they run the files that they are given.
#ifndef FUZZ_REPLAY_H
#define FUZZ_REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#ifdef XIPNET_REPLAY
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static uint8_t fuzz_replay_room[1 << 20];

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        CHECK(file != NULL);
        size_t n = fread(fuzz_replay_room, 1, sizeof(fuzz_replay_room), file);
        fclose(file);
        uint8_t *exact = malloc(n + 1); // the sanitizer then knows the end
        memcpy(exact, fuzz_replay_room, n);
        (void)LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    printf("%d inputs\n", argc - 1);
    return 0;
}
#endif

#endif
