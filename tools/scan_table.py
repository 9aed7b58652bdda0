"""Make the firmware's table of Thumb instructions from thumb_table.py."""

from __future__ import annotations

from relocatable.targets.thumb_table import Kind, by_high_byte, is_wide, needed_rows

_HEAD = """// The Thumb instructions that a kernel needs, by their encodings.
// Made from relocatable/targets/thumb_table.py by `make docs`; do not edit.
#ifndef XN_SCAN_TABLE_H
#define XN_SCAN_TABLE_H

#include <stdint.h>
"""


def table_header() -> str:
    """Write the text of xn_scan_table.h."""
    rows = needed_rows()
    kinds = by_high_byte()
    wide = [high for high in range(256) if is_wide(high << 8)]
    first = [
        next(i for i, row in enumerate(rows) if not (row.value ^ high << 24) & row.mask >> 24 << 24)
        for high in wide
    ]
    pairs = [kinds[i] | kinds[i + 1] << 4 for i in range(0, 256, 2)]
    lines = [
        _HEAD,
        "// clang-format off",
        "// What an instruction is to a scan.",
        "enum xn_scan_kind {",
        *(f"    XN_SCAN_{kind.name} = {kind.value}," for kind in Kind),
        "};",
        "",
        "// What all instructions with a high byte are, or XN_SCAN_ROWS: half a byte for each.",
        *_array("xn_scan_high", pairs),
        "// The first row that can fit an instruction of 32 bits, by its high byte less 0xE8.",
        *_array("xn_scan_first", first),
        "// The first row whose value an instruction has under its mask says what it is. 16 bits",
        "// count as the upper half. The last row fits all.",
        "typedef struct xn_scan_row {",
        "    uint32_t mask, value;",
        "} xn_scan_row;",
        f"static const xn_scan_row xn_scan_rows[{len(rows) + 1}] = {{",
        *(f"    {{0x{row.mask:08x}u, 0x{row.value:08x}u}}," for row in rows),
        "    {0, 0},",
        "};",
        *_array("xn_scan_kinds", [*(row.kind for row in rows), Kind.REFUSED]),
        "// clang-format on",
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _array(name: str, numbers: list[int]) -> list[str]:
    lines = [numbers[i : i + 16] for i in range(0, len(numbers), 16)]
    rows = ("    " + " ".join(f"{int(n)}," for n in line) for line in lines)
    return [f"static const uint8_t {name}[{len(numbers)}] = {{", *rows, "};"]


if __name__ == "__main__":
    print(table_header(), end="")
