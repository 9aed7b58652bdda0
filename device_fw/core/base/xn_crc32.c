#include "base/xn_crc32.h"

// By half bytes: 64 bytes of table, two look-ups per byte.
static const uint32_t half[16] = {
    0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
    0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
    0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
};

uint32_t xn_crc32_add(uint32_t running, uint8_t byte) {
    running ^= byte;
    running = running >> 4 ^ half[running & 15u];
    return running >> 4 ^ half[running & 15u];
}

uint32_t xn_crc32_update(uint32_t running, const void *bytes, uint32_t n) {
    const uint8_t *p = bytes;
    for (uint32_t i = 0; i < n; i++) {
        running = xn_crc32_add(running, p[i]);
    }
    return running;
}

uint32_t xn_crc32(const void *bytes, uint32_t n) {
    return ~xn_crc32_update(XN_CRC32_INIT, bytes, n);
}
