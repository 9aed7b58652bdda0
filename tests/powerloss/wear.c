// Swaps objects of varied sizes and tells how the flash wears, and what a mount reads.
//
//   wear FLASH_BYTES SWAPS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "base/xn_sha256.h"
#include "base/xn_status.h"
#include "store/xn_index.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"
#include "store/xn_wear.h"

#define SECTOR 4096u

static uint8_t bytes[512 * 1024];
static uint32_t state = 1;

static uint32_t random_below(uint32_t n) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

static void put(const char *name, uint32_t n, uint32_t seed) {
    xn_store_object o;
    bool have, resumed;
    memset(&o, 0, sizeof(o));
    memset(bytes, (int)(seed % 251u), n);
    memcpy(bytes, &seed, n < sizeof(seed) ? n : sizeof(seed));
    strcpy(o.name, name);
    o.type = XN_STORE_DATA;
    o.size = n;
    xn_sha256_of(bytes, n, o.sha256, NULL);
    CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK && !have);
    CHECK(xn_upload_write(0, bytes, n) == XN_OK);
    CHECK(xn_upload_verify(&o) == XN_OK && xn_upload_commit(false, 0, 0) == XN_OK);
}

// Of the sectors [from, to): least and most erases as the flash saw them.
static void span(uint32_t from, uint32_t to, uint32_t *min, uint32_t *max) {
    *min = UINT32_MAX;
    *max = 0;
    for (uint32_t i = from; i < to; i++) {
        *min = xn_host.erased[i] < *min ? xn_host.erased[i] : *min;
        *max = xn_host.erased[i] > *max ? xn_host.erased[i] : *max;
    }
}

int main(int argc, char **argv) {
    static const uint32_t fixed[] = {3000, 90000, 20000, 150};
    CHECK(argc == 3);
    xn_port_flash flash = {(uint32_t)atoi(argv[1]), SECTOR, 256, 1, 0, 0};
    uint32_t swaps = (uint32_t)atoi(argv[2]);
    uint64_t most_read = 0;
    xn_host_init(&flash, NULL);
    CHECK(xn_store_mount() == XN_OK);
    for (uint32_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        char name[16];
        snprintf(name, sizeof(name), "fixed%u", (unsigned)i);
        put(name, fixed[i], 1000000 + i);
    }
    for (uint32_t i = 0; i < swaps; i++) {
        static const char *const names[] = {"detector", "digits", "main.py"};
        uint32_t most = i % 3 == 2 ? 8000 : flash.size_bytes / 8;
        put(names[i % 3], 1 + random_below(most < sizeof(bytes) ? most : sizeof(bytes)), i);
        if (i % 97 == 0) { // power comes back
            xn_host.read_bytes = 0;
            CHECK(xn_store_mount() == XN_OK);
            most_read = xn_host.read_bytes > most_read ? xn_host.read_bytes : most_read;
        }
    }
    xn_wear wear;
    uint32_t min, max, log_min, log_max;
    uint32_t first = xn_index_now.data_start / SECTOR;
    xn_wear_sum(&wear);
    span(first, first + wear.sectors, &min, &max);
    span(0, first, &log_min, &log_max);
    printf("{\"swaps\": %u, \"sectors\": %u, \"min\": %u, \"max\": %u, \"counted_min\": %u, "
           "\"counted_max\": %u, \"log_min\": %u, \"log_max\": %u, \"moves\": %u, "
           "\"mount_bytes\": %llu, \"area_bytes\": %u}\n",
           (unsigned)swaps, (unsigned)wear.sectors, (unsigned)min, (unsigned)max,
           (unsigned)wear.min, (unsigned)wear.max, (unsigned)log_min, (unsigned)log_max,
           (unsigned)wear.moves, (unsigned long long)most_read,
           (unsigned)(xn_index_now.data_start / 2));
    return 0;
}
