// Arenas on a board whose MPU is that of Armv7-M: what it opens to a step is its arena, exactly.
#include <stdio.h>

#include "check.h"
#include "arch/cortexm/pmsa7.h"
#include "model/xn_pool.h"

#define GRANULE 32u
#define REGIONS 3u
#define RAM 0x20000000u // of the boards; nothing is touched there

static uint32_t random_state = 1;

static uint32_t draw(uint32_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

// ---- The MPU, from the manual alone -----------------------------------------------------------

typedef struct part {
    uint32_t start, end;
} part;

// The eighths of a region that are open.
static uint32_t parts_of(const xn_pmsa7_region *r, part *parts) {
    uint32_t bytes = 2u << (r->size >> 1 & 31u);
    uint32_t count = 0;
    CHECK((r->size & 1u) == 1u && (r->size & ~0xFF3Fu) == 0);
    CHECK(bytes >= 256u && r->base % bytes == 0);
    for (uint32_t i = 0; i < 8u; i++) {
        if ((r->size >> (8u + i) & 1u) == 0) {
            uint32_t at = r->base + i * (bytes / 8u);
            parts[count++] = (part){at, at + bytes / 8u};
        }
    }
    return count;
}

// That the regions open [start, end), and nothing twice.
static void expect_open(const xn_pmsa7_region *regions, uint32_t count, uint32_t start,
                        uint32_t end) {
    part parts[8 * 8];
    uint32_t n = 0;
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        n += parts_of(&regions[i], parts + n);
    }
    for (uint32_t i = 0; i < n; i++) {
        CHECK(parts[i].start >= start && parts[i].end <= end);
        bytes += parts[i].end - parts[i].start;
        for (uint32_t j = 0; j < i; j++) {
            CHECK(parts[i].end <= parts[j].start || parts[j].end <= parts[i].start);
        }
    }
    CHECK(bytes == end - start);
}

static part cover(uint32_t start, uint32_t end, uint32_t most) {
    xn_pmsa7_region regions[8];
    part r = {start, end};
    uint32_t count = xn_pmsa7_cover(&r.start, &r.end, most, regions);
    CHECK(count <= most && r.start <= start && r.end >= end);
    expect_open(regions, count, r.start, r.end);
    return r;
}

static void expect_covers_again(part r, uint32_t most) {
    part again = cover(r.start, r.end, most);
    CHECK(again.start == r.start && again.end == r.end);
}

static void test_cover(void) {
    for (uint32_t start = 0; start < 128; start++) {
        for (uint32_t end = start + 1; end <= 160; end++) {
            for (uint32_t most = 1; most <= 6; most++) {
                expect_covers_again(cover(start * GRANULE, end * GRANULE, most), most);
            }
        }
    }
    for (uint32_t i = 0; i < 30000; i++) {
        uint32_t start = RAM + draw(1u << 17) * GRANULE;
        uint32_t end = start + (1u + draw(1u << (1u + draw(17)))) * GRANULE;
        uint32_t most = 1u + draw(6);
        expect_covers_again(cover(start, end, most), most);
    }
}

// What docs/SECURITY.md says of blobs.
static void test_whole_sectors_are_exact(void) {
    for (uint32_t most = REGIONS; most <= 5; most++) {
        for (uint32_t sectors = 1; sectors <= 4u << most >> 1; sectors++) {
            for (uint32_t first = 0; first < 512; first++) {
                uint32_t start = 0x60000000u + first * 4096u;
                part r = cover(start, start + sectors * 4096u, most);
                CHECK(r.start == start && r.end == start + sectors * 4096u);
            }
        }
    }
}

// ---- The pool ---------------------------------------------------------------------------------

static void reach(uintptr_t *start, uintptr_t *end) {
    part r = cover((uint32_t)*start, (uint32_t)*end, REGIONS);
    *start = r.start;
    *end = r.end;
}

typedef struct arena {
    uint8_t *at;
    uint32_t bytes;
} arena;

static arena arenas[XN_POOL_ARENAS];
static uint32_t count;
static uint8_t *pool;
static uint32_t pool_bytes;

// A board with its pool at this address, where nothing is read or written.
static void start(uint32_t address, uint32_t bytes) {
    pool = (uint8_t *)(uintptr_t)address;
    pool_bytes = bytes;
    count = 0;
    xn_host_arena = pool;
    xn_host_set_arena(bytes);
    xn_pool_init();
    CHECK(xn_pool_bytes() == xn_pool_largest() && xn_pool_bytes() <= bytes);
}

// A step with this arena, as the board would run it.
static void expect_alone(const arena *a) {
    uint32_t from = (uint32_t)(uintptr_t)a->at;
    part r = cover(from, from + a->bytes, REGIONS);
    CHECK(r.start == from && r.end == from + a->bytes);
    CHECK(a->at >= pool && a->at + a->bytes <= pool + pool_bytes);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(a->at + a->bytes <= arenas[i].at || arenas[i].at + arenas[i].bytes <= a->at);
    }
}

static bool take(uint32_t bytes) {
    arena a = {.bytes = bytes};
    uint32_t largest = xn_pool_largest();
    a.at = xn_pool_take(&a.bytes);
    CHECK((a.at != NULL) == (bytes <= largest && largest > 0));
    if (a.at == NULL) {
        return false;
    }
    CHECK(a.bytes >= bytes);
    expect_alone(&a);
    arenas[count++] = a;
    return true;
}

static void give(uint32_t i) {
    xn_pool_give(arenas[i].at);
    arenas[i] = arenas[--count];
}

static void test_every_size(void) {
    for (uint32_t beside = 0; beside < 4; beside++) {
        start(RAM + 0x80000u + beside * 0x1A60u, 1u << 18);
        for (uint32_t i = 0; i < beside; i++) {
            CHECK(take(draw(20000)));
        }
        for (uint32_t bytes = 0; bytes <= 65536; bytes += 16) {
            CHECK(take(bytes));
            give(count - 1u);
        }
    }
}

// Whatever is taken: what is said to fit fits.
static void test_takes_and_gives(void) {
    for (uint32_t round = 0; round < 20; round++) {
        start(RAM + draw(1u << 15) * GRANULE, (1u + draw(8192)) * GRANULE);
        for (uint32_t i = 0; i < 400; i++) {
            if (count > 0 && draw(3) == 0) {
                give(draw(count));
            } else if (draw(4) == 0) {
                uint32_t largest = xn_pool_largest();
                CHECK(count == XN_POOL_ARENAS ? largest == 0 : largest == 0 || take(largest));
            } else {
                (void)take(draw(1u << (4u + draw(14))));
            }
        }
        while (count > 0) {
            give(0);
        }
        CHECK(xn_pool_largest() == xn_pool_bytes());
    }
}

static void test_all_up_to_the_largest_fit(void) {
    for (uint32_t round = 0; round < 30; round++) {
        start(RAM + draw(1u << 15) * GRANULE, (1u + draw(1024)) * GRANULE);
        while (count < round % 4u && take(draw(4096))) {
        }
        for (uint32_t bytes = xn_pool_largest(); bytes > 0; bytes -= 16u) {
            CHECK(take(bytes));
            give(count - 1u);
        }
    }
}

// A pool whose ends are aligned to an eighth of the power of two that holds it is all usable.
static void test_an_aligned_pool_is_all_usable(void) {
    start(RAM + 0x80000u, 3584u << 10);
    CHECK(xn_pool_bytes() == 3584u << 10);
    start(RAM + 0x80000u, 7u << 13);
    CHECK(xn_pool_bytes() == 7u << 13);
}

static void test_a_board_without_an_mpu(void) {
    xn_host_reach = NULL;
    start(RAM, 1000);
    CHECK(xn_pool_bytes() == 992);
    uint32_t bytes = 100;
    uint8_t *first = xn_pool_take(&bytes);
    CHECK(first == pool && bytes == 128 && xn_pool_largest() == 864);
    uint32_t more = 865;
    CHECK(xn_pool_take(&more) == NULL);
    more = 864;
    CHECK(xn_pool_take(&more) == pool + 128 && xn_pool_largest() == 0);
    xn_pool_give(first);
    CHECK(xn_pool_largest() == 128);
    more = UINT32_MAX;
    CHECK(xn_pool_take(&more) == NULL);
}

int main(void) {
    test_cover();
    test_whole_sectors_are_exact();
    xn_host_reach = reach;
    test_every_size();
    test_takes_and_gives();
    test_all_up_to_the_largest_fit();
    test_an_aligned_pool_is_all_usable();
    test_a_board_without_an_mpu();
    puts("ok");
    return 0;
}
