// The store on a back end of ports/flash, over upstream's driver and a chip that knows its rules.
#include "chip.h"

#include "base/xn_error.h"
#include "base/xn_port.h"
#include "base/xn_sha256.h"
#include "base/xn_status.h"
#include "store/xn_flash.h"
#include "store/xn_store.h"
#include "store/xn_upload.h"

#include <stdio.h>
#include <string.h>

static uint32_t synced; // calls

// ---- What else the store asks of a board
// ---------------------------------------------------------

void xn_port_sync_code(const void *at, uint32_t n) {
    CHIP_CHECK(n == 0 || chip_has(at));
    synced++;
}

// ---- Objects
// --------------------------------------------------------------------------------------

static void fill(uint8_t *to, uint32_t seed, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        to[i] = (uint8_t)((seed * 2654435761u + i * 40503u) >> 11);
    }
}

static void put(const char *name, uint32_t size, uint32_t seed) {
    static uint8_t bytes[20000];
    xn_store_object o = {.type = XN_STORE_DATA, .size = size};
    xn_sha256 h;
    bool have, resumed;
    CHIP_CHECK(size <= sizeof bytes);
    fill(bytes, seed, size);
    strcpy(o.name, name);
    xn_sha256_begin(&h);
    xn_sha256_add(&h, bytes, size);
    xn_sha256_end(&h, o.sha256);
    CHIP_CHECK(xn_upload_begin(&o, &have, &resumed) == XN_OK && !have);
    for (uint32_t at = 0; at < size; at += 256) {
        uint32_t n = size - at < 256 ? size - at : 256;
        CHIP_CHECK(xn_upload_write(at, bytes + at, n) == XN_OK);
    }
    CHIP_CHECK(xn_upload_verify(&o) == XN_OK);
    CHIP_CHECK(xn_upload_commit(false, 0, 0) == XN_OK);
}

static void holds(const char *name, uint32_t size, uint32_t seed) {
    static uint8_t expected[20000];
    xn_store_object o;
    fill(expected, seed, size);
    CHIP_CHECK(xn_store_find_whole(name, &o) == XN_OK && o.size == size);
    CHIP_CHECK(memcmp(xn_store_map(&o), expected, size) == 0);
}

// ---- The back end itself
// --------------------------------------------------------------------------

static void outside_is_refused(const xn_port_flash *flash) {
    uint8_t bytes[512] = {0};
    uint32_t end = flash->size_bytes;
    CHIP_CHECK(xn_port_flash_read(end - 1, bytes, 2) == XN_E_RANGE);
    CHIP_CHECK(xn_port_flash_read(end + 1, bytes, 0) == XN_E_RANGE);
    CHIP_CHECK(xn_port_flash_read(0xFFFFFFFF, bytes, 2) == XN_E_RANGE);
    CHIP_CHECK(xn_port_flash_erase(end) == XN_E_RANGE);
    CHIP_CHECK(xn_port_flash_erase(1024 / 2) == XN_E_RANGE);
    CHIP_CHECK(xn_port_flash_program(end, bytes, flash->program_bytes) == XN_E_RANGE);
    CHIP_CHECK(xn_port_flash_program(0, bytes, 512) == XN_E_RANGE);
}

// From the flash itself, and from an odd address.
static void copies_what_it_cannot_read(const xn_port_flash *flash) {
    uint8_t odd[129] = {0};
    fill(odd + 1, 7, 128);
    uint32_t sector = flash->size_bytes - flash->sector_bytes;
    CHIP_CHECK(xn_port_flash_erase(sector) == XN_OK);
    CHIP_CHECK(xn_port_flash_program(sector, odd + 1, 128) == XN_OK);
    CHIP_CHECK(xn_port_flash_program(sector + 256, xn_port_flash_map(sector), 128) == XN_OK);
    CHIP_CHECK(memcmp(xn_port_flash_map(sector + 256), odd + 1, 128) == 0);
    CHIP_CHECK(xn_port_flash_erase(sector) == XN_OK);
    CHIP_CHECK(xn_flash_is_blank(xn_port_flash_map(sector), flash->sector_bytes));
}

int main(int count, char **arguments) {
    (void)arguments;
    chip_begin();
    const xn_port_flash *flash = xn_port_flash_geometry();
    if (count > 1) { // a region that the start must refuse
        char text[XN_ERROR_TEXT_MAX];
        CHIP_CHECK(xn_flash_check() == XN_E_STORE);
        xn_error_text(XN_E_STORE, text);
        puts(text);
        return 0;
    }
    CHIP_CHECK(xn_flash_check() == XN_OK);
    printf("%u %u %u %u\n", flash->size_bytes, flash->sector_bytes, flash->page_bytes,
           flash->program_bytes);
    outside_is_refused(flash);
    copies_what_it_cannot_read(flash);
    CHIP_CHECK(xn_store_mount() == XN_OK);
    put("kept", 18001, 1);
    for (uint32_t i = 2; i < 300; i++) { // until the log was compacted several times
        put("short", i % 3 == 0 ? 4999 : 3, i);
        if (i % 50 == 0) {
            CHIP_CHECK(xn_store_remove("short") == XN_OK);
        }
    }
    holds("short", 3, 299);
    CHIP_CHECK(xn_store_mount() == XN_OK); // as after a reset
    holds("kept", 18001, 1);
    holds("short", 3, 299);
    CHIP_CHECK(chip_erased > 10 && chip_programmed > 1000 && synced > 0);
    puts("ok");
    return 0;
}
