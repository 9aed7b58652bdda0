// The Thumb instructions that a kernel needs, by their encodings.
// Made from relocatable/targets/thumb_table.py by `make docs`; do not edit.
#ifndef XN_SCAN_TABLE_H
#define XN_SCAN_TABLE_H

#include <stdint.h>

// clang-format off
// What an instruction is to a scan.
enum xn_scan_kind {
    XN_SCAN_REFUSED = 0,
    XN_SCAN_PLAIN = 1,
    XN_SCAN_ROWS = 2,
    XN_SCAN_LITERAL = 3,
    XN_SCAN_ADR = 4,
    XN_SCAN_RETURN = 5,
    XN_SCAN_B = 6,
    XN_SCAN_B_IF = 7,
    XN_SCAN_CBZ = 8,
    XN_SCAN_IT = 9,
    XN_SCAN_LITERAL_WIDE = 10,
    XN_SCAN_LITERAL_FLOAT = 11,
    XN_SCAN_B_WIDE = 12,
    XN_SCAN_BL = 13,
    XN_SCAN_B_IF_WIDE = 14,
    XN_SCAN_LOOP_START = 15,
    XN_SCAN_LOOP_END = 16,
};

// What all instructions with a high byte are, or XN_SCAN_ROWS: half a byte for each.
static const uint8_t xn_scan_high[128] = {
    17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17,
    17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17,
    17, 17, 18, 34, 51, 51, 51, 51, 17, 17, 17, 17, 17, 17, 17, 17,
    17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17,
    17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17, 17,
    68, 68, 68, 68, 17, 17, 17, 17, 129, 129, 17, 0, 128, 130, 81, 32,
    17, 17, 17, 17, 17, 17, 17, 17, 119, 119, 119, 119, 119, 119, 119, 0,
    102, 102, 102, 102, 34, 34, 34, 18, 34, 34, 34, 34, 34, 34, 34, 18,
};
// The first row that can fit an instruction of 32 bits, by its high byte less 0xE8.
static const uint8_t xn_scan_first[24] = {
    10, 11, 19, 19, 23, 24, 33, 38, 39, 39, 41, 41, 39, 39, 41, 41,
    51, 52, 56, 56, 38, 38, 37, 38,
};
// The first row whose value an instruction has under its mask says what it is. 16 bits
// count as the upper half. The last row fits all.
typedef struct xn_scan_row {
    uint32_t mask, value;
} xn_scan_row;
static const xn_scan_row xn_scan_rows[63] = {
    {0xff870000u, 0x44870000u},
    {0xff870000u, 0x46870000u},
    {0xffff0000u, 0x47700000u},
    {0xff000000u, 0x47000000u},
    {0xffc00000u, 0xba800000u},
    {0xffff0000u, 0xbf000000u},
    {0xff0f0000u, 0xbf000000u},
    {0xff000000u, 0xbf000000u},
    {0x80000000u, 0x00000000u},
    {0xc0000000u, 0x80000000u},
    {0xffffe000u, 0xe8bd8000u},
    {0xfe2f0000u, 0xe82f0000u},
    {0xffff0000u, 0xe89f0000u},
    {0xffc0a000u, 0xe8800000u},
    {0xffc0a000u, 0xe9000000u},
    {0xfe40f000u, 0xe840f000u},
    {0xfe400f00u, 0xe8400f00u},
    {0xff400000u, 0xe9400000u},
    {0xff600000u, 0xe8600000u},
    {0xfe700000u, 0xea100000u},
    {0xfff00000u, 0xebb00000u},
    {0xfe000f00u, 0xea000f00u},
    {0xfe000000u, 0xea000000u},
    {0xffa00e00u, 0xec200a00u},
    {0xfe6f1f80u, 0xec2f0f00u},
    {0xfe2f0a00u, 0xec2f0a00u},
    {0xffbf0e00u, 0xec9f0a00u},
    {0xff201f80u, 0xec200f80u},
    {0xfff0fe00u, 0xec50fa00u},
    {0xffff0e00u, 0xec5f0a00u},
    {0xff40ff80u, 0xed40af80u},
    {0xff001f80u, 0xed000f80u},
    {0xffbf0e00u, 0xed9f0a00u},
    {0xffff0fffu, 0xeef10a10u},
    {0xffef0fffu, 0xeeed0a10u},
    {0xffe00f10u, 0xeee00a10u},
    {0xff10fe10u, 0xee10fa10u},
    {0xef000e10u, 0xee000e10u},
    {0xec000a00u, 0xec000a00u},
    {0xfa708000u, 0xf0100000u},
    {0xfbf08000u, 0xf1b00000u},
    {0xf8008f00u, 0xf0000f00u},
    {0xf8008000u, 0xf0000000u},
    {0xf800f800u, 0xf000f800u},
    {0xf800f800u, 0xf000b800u},
    {0xfb80d000u, 0xf3808000u},
    {0xfc00f800u, 0xf0008000u},
    {0xfc00f800u, 0xf400a800u},
    {0xffcff001u, 0xf00fc001u},
    {0xff80f001u, 0xf000c001u},
    {0xff80f7ffu, 0xf000e001u},
    {0xffffffffu, 0xf85dfb04u},
    {0xfe00f000u, 0xf800f000u},
    {0xffff0000u, 0xf8df0000u},
    {0xff000000u, 0xf8000000u},
    {0xff500000u, 0xf9100000u},
    {0xfe000f00u, 0xfa000f00u},
    {0xff00f000u, 0xfa00f000u},
    {0xfff0f000u, 0xfb60f000u},
    {0xffd0f0f0u, 0xfb90f0f0u},
    {0xff80f000u, 0xfb80f000u},
    {0xff000000u, 0xfb000000u},
    {0, 0},
};
static const uint8_t xn_scan_kinds[63] = {
    0, 0, 5, 0, 0, 1, 0, 9, 1, 1, 5, 0, 0, 1, 1, 0,
    0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0,
    11, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1, 13, 12, 0, 14, 14,
    16, 15, 1, 5, 0, 10, 1, 1, 0, 1, 0, 1, 0, 1, 0,
};
// clang-format on

#endif
