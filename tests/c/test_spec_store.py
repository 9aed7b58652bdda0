"""SPEC-store.md, SPEC-trust.md and the C structs lay out the same bytes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.c.core_build import CORE, ROOT

SECTIONS = {
    "xn_log_format": ("SPEC-store.md", "## 3. FORMAT", "\n## "),
    "xn_log_record": ("SPEC-store.md", "## 4. The other records", "\n**WEAR**"),
    "xn_log_wear": ("SPEC-store.md", "**WEAR**", "\n## "),
    "xn_log_trust": ("SPEC-trust.md", "**TRUST**", "\n**DEVICE**"),
    "xn_log_device": ("SPEC-trust.md", "**DEVICE**", "\n**UNLOCK**"),
}


@pytest.mark.parametrize("struct", SECTIONS)
def test_layouts_agree(struct: str, tmp_path: Path) -> None:
    page, heading, end = SECTIONS[struct]
    text = (ROOT / "docs" / page).read_text()
    section = text.split(f"\n{heading}")[1].split(end)[0]
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\w+) \|", section, re.M)
    header = (CORE / "store" / "xn_log.h").read_text()
    body = header.split(f"typedef struct {struct} {{")[1].split("}")[0]
    assert [name for _, _, name in rows] == re.findall(r"^\s+\w+ (\w+)[;\[]", body, re.M)
    assert sum(int(size) for _, size, _ in rows) == 128
    checks = "".join(
        f"_Static_assert(offsetof({struct}, {name}) == {at}"
        f' && sizeof((({struct} *)0)->{name}) == {size}, "{name}");\n'
        for at, size, name in rows
    )
    source = tmp_path / "layout.c"
    source.write_text(f'#include <stddef.h>\n#include "store/xn_log.h"\n{checks}')
    done = subprocess.run(
        ["gcc", "-std=c11", "-fsyntax-only", f"-I{CORE}", str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
