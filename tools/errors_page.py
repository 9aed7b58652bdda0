"""Make docs/ERRORS.md from xn_status.h and the SDK's error classes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from host_sdk.errors import DeviceError

_CODE = re.compile(r"^    XN_E_(?P<name>\w+) = (?P<code>-\d+),?\s*// (?P<remark>.+)$")
_SECTION = re.compile(r"^    // (?P<title>.+)$")

_HEAD = """# Errors of the board

Made from `device_fw/core/base/xn_status.h` by `make docs`; do not edit. A reply carries the code, a
sentence and sometimes more; the SDK raises the class of the last column, all of them `DeviceError`.
The errors of the SDK itself are drawn in `host_sdk/errors.py`.
"""


@dataclass(frozen=True)
class Code:
    """One line of xn_status.h.

    Attributes:
        name: without XN_E_.
        code: its number.
        remark: what it means.
        section: the title above it.
    """

    name: str
    code: int
    remark: str
    section: str


def read_codes(header: str) -> list[Code]:
    """Read the errors of xn_status.h.

    Args:
        header: its text.
    """
    codes, section = [], ""
    for line in header.splitlines():
        if match := _CODE.match(line):
            remark = match["remark"].strip()
            codes.append(Code(match["name"], int(match["code"]), remark, section))
        elif match := _SECTION.match(line):
            section = match["title"]
    return codes


def errors_page(header: str) -> str:
    """Write the text of docs/ERRORS.md.

    Args:
        header: the text of xn_status.h.
    """
    lines, section = [_HEAD], ""
    for code in read_codes(header):
        if code.section != section:
            section = code.section
            lines += [f"\n## {section}\n", "| code | name | meaning | SDK |", "|--:|---|---|---|"]
        kind = DeviceError.codes[code.code].__name__
        lines.append(f"| {code.code} | `XN_E_{code.name}` | {code.remark} | `{kind}` |")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def status_header() -> Path:
    """Find xn_status.h."""
    import device_fw

    return Path(device_fw.__file__).parent / "core" / "base" / "xn_status.h"


if __name__ == "__main__":
    print(errors_page(status_header().read_text(encoding="utf-8")), end="")
