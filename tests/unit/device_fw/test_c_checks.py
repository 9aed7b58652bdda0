"""The checks of the firmware's C find what they are for, and nothing today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import c_names, c_rooms

ROOT = Path(__file__).resolve().parents[3]
CORE = ROOT / "device_fw" / "core"


def test_the_firmware_has_no_complaints() -> None:
    assert c_names.main() == []
    assert c_rooms.main() == []


@pytest.mark.parametrize(
    ("text", "header", "names"),
    [
        ("#define XN_A 1\ntypedef struct xn_b { int c; } xn_b;", True, ["XN_A", "xn_b", "xn_b"]),
        ("enum xn_e { XN_E_A = 1, XN_E_B };", True, ["xn_e", "XN_E_A", "XN_E_B"]),
        ("int xn_f(int a, int (*g)(int));", True, ["xn_f"]),
        ("extern void (*xn_hook)(void);", True, ["xn_hook"]),
        ("xn_fn xn_a, xn_b;", True, ["xn_a", "xn_b"]),
        ('_Static_assert(1, ""); // int hidden;', True, []),
        ("#define LOCAL 1\nstatic int a; int b = 2; int f(void) { int c; }", False, ["b", "f"]),
        ("int table[] = {1, 2}; extern int other;", False, ["table"]),
    ],
)
def test_public_names_are_found(text: str, header: bool, names: list[str]) -> None:
    assert [name.text for name in c_names.public_names(text, header)] == names


def test_a_wrong_name_and_a_wrong_include_are_told(tmp_path: Path) -> None:
    for part in (*c_names.PORTS, "core/link/xn_wire.h", "core/link/xn_wire_fast.c"):
        path = tmp_path / part
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "core/link/xn_wire.h").write_text("int xn_wire_send(void);\nint xn_sent;\n")
    fast = '#include "store/xn_store.h"\nint xn_wire_fast; int xn_wire_go; int xn_go;\n'
    (tmp_path / "core/link/xn_wire_fast.c").write_text(fast)
    assert list(c_names.complaints(tmp_path)) == [
        "device_fw/core/link/xn_wire.h:2: xn_sent must start with xn_wire",
        "device_fw/core/link/xn_wire_fast.c:2: xn_go must start with xn_wire_fast",
    ]
    (wrong,) = c_rooms.complaints(tmp_path / "core")
    assert wrong.endswith("link must not include store/xn_store.h")


def test_a_method_lives_in_the_files_that_the_recipe_names() -> None:
    """A method: a row of the table, a declaration, a definition, a place in the page."""
    header = (CORE / "rpc" / "xn_method.h").read_text(encoding="utf-8")
    declared = set(re.findall(r"\bxn_method_(\w+)(?=[,;])", header)) - {"fn"}
    table = (CORE / "rpc" / "xn_method.c").read_text(encoding="utf-8")
    rows = re.findall(r'\{"(\w+)",\s*"(\w+)\(', table)
    page = (ROOT / "docs" / "SPEC-wire.md").read_text(encoding="utf-8")
    assert len(rows) == len(declared) > 30
    for name, helped in rows:
        assert name == helped
        assert name in declared
        assert f"`{name}" in page
        defining = [
            path.name
            for path in CORE.rglob("*.c")
            if f"int xn_method_{name}(" in path.read_text(encoding="utf-8")
        ]
        assert len(defining) == 1
        assert defining[0].startswith("xn_method")
