// CRC-32 of IEEE 802.3 and zlib.
#ifndef XN_CRC32_H
#define XN_CRC32_H

#include <stdint.h>

// A running CRC starts as XN_CRC32_INIT; its value so far is its inversion.
#define XN_CRC32_INIT 0xFFFFFFFFu
// The running CRC after bytes that end with their own CRC, little-endian.
#define XN_CRC32_GOOD 0xDEBB20E3u

uint32_t xn_crc32_add(uint32_t running, uint8_t byte);
uint32_t xn_crc32_update(uint32_t running, const void *bytes, uint32_t n);
uint32_t xn_crc32(const void *bytes, uint32_t n); // the finished value

#endif
