"""Each guard of `make check` finds what is planted in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.unit.tools.conftest import edit
from tools import c_names, licences, rooms, words


def new(found: list[str], before: list[str]) -> list[str]:
    return sorted(set(found) - set(before))


def run_in(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a module of Python in the copy, which is the only place it can import from."""
    here = {**os.environ, "PYTHONPATH": str(copy)}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=copy,
        env=here,
        capture_output=True,
        text=True,
        check=False,
    )


def keep_little(copy: Path) -> None:
    """Delete the large folders: a guard of words needs seconds for all of them."""
    for name in ("relocatable", "device_fw", "host_sdk", "tests", "docs"):
        shutil.rmtree(copy / name)


def test_a_file_without_a_room_is_found(copy: Path) -> None:
    before = list(rooms.complaints(copy))
    for name in ("host_sdk/attic/lumber.py", "relocatable/attic.py", "device_fw/core/attic/x.c"):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text("")
    assert new(list(rooms.complaints(copy)), before) == [
        "device_fw/core/attic/x.c: docs/MAP.md names no room for it",
        "host_sdk/attic/lumber.py: docs/MAP.md names no room for it",
        "relocatable/attic.py: docs/MAP.md names no room for it",
    ]


def test_a_room_that_does_not_exist_is_found(copy: Path) -> None:
    before = list(rooms.complaints(copy))
    edit(copy / "docs/MAP.md", "`store/`", "`store/`, `attic/`")
    (complaint,) = new(list(rooms.complaints(copy)), before)
    assert complaint.startswith("docs/MAP.md:")
    assert complaint.endswith("`attic/` does not exist")


def test_a_c_name_without_its_files_prefix_is_found(copy: Path) -> None:
    folder = copy / "device_fw"
    before = list(c_names.complaints(folder))
    (folder / "core/base/xn_attic.h").write_text("int xn_attic_count(void);\nint lumber(void);\n")
    (complaint,) = new(list(c_names.complaints(folder)), before)
    assert complaint == "device_fw/core/base/xn_attic.h:2: lumber must start with xn_attic"


@pytest.mark.heavy
def test_an_import_in_the_wrong_direction_is_found(copy: Path) -> None:
    one = "tests/unit/test_imports.py::test_rooms_of_the_sdk_import_what_they_may[errors]"
    rule, failed = ("pytest", "-q", "-p", "no:cacheprovider", one), f"FAILED {one}"
    assert failed not in run_in(copy, *rule).stdout
    with (copy / "host_sdk/errors.py").open("a") as file:
        file.write("\nimport host_sdk.store\n")
    assert failed in run_in(copy, *rule).stdout


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("tools/a.py", '"""Begin.\n\nDo it anew."""\n', 3),
        ("tools/a.py", "# Across the end\n# of a line, so\n# that it is found.\n", 2),
        ("tools/a.py", "def f() -> None:\n    why_not = 1\n", 2),
        ("docs/A.md", "Meanwhile.\n", 1),
        ("tools/a.c", 'const char *text = "what befell it";\n', 1),
        ("tools/a.py", '"""' + "x" * 81 + '"""\n', 1),
        ("tools/a.c", "int xn_table_8;\nint xn_high_mul;\n", 2),
        ("tools/a.c", "int xn_saturating_doubling_high_mul;\nint xn_table_find;\n", 2),
    ],
)
def test_a_word_of_the_list_is_found(name: str, text: str, line: int) -> None:
    rules = tomllib.loads((ROOT / words.RULES).read_text(encoding="utf-8"))
    (complaint, *_) = words.findings(name, text, rules)
    assert complaint.startswith(f"{name}:{line}: ")


def test_the_text_of_a_rule_may_be_long() -> None:
    rules = tomllib.loads((ROOT / words.RULES).read_text(encoding="utf-8"))
    rule = 'def f() -> Seen:\n    """' + "x" * 81 + '"""\n'
    assert not list(words.findings("tools/a.py", rule, rules))
    assert list(words.findings("tools/a.py", rule.replace("Seen", "str"), rules))


def test_words_are_looked_for_in_the_tree(copy: Path) -> None:
    keep_little(copy)
    before = list(words.complaints(copy))
    (copy / "tools/attic.py").write_text('"""Look for the oracles."""\n')
    (complaint,) = new(list(words.complaints(copy)), before)
    assert complaint == "tools/attic.py:1: 'oracles'; say: reference"


def test_an_exception_without_a_finding_is_found(copy: Path) -> None:
    keep_little(copy)
    before = list(words.complaints(copy))
    edit(copy / words.RULES, "paths = [", 'paths = [\n    "tools/tree.py",')
    (complaint,) = new(list(words.complaints(copy)), before)
    assert "tools/tree.py has no finding any more" in complaint


@pytest.mark.heavy
def test_an_untyped_test_is_found(copy: Path) -> None:
    config = tomllib.loads((copy / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert "tests" in config["packages"]
    for path in (copy / "tests").rglob("*.py"):
        path.unlink()
    test = copy / "tests/contract/test_attic.py"
    test.write_text("def test_typed() -> None:\n    assert True\n")
    assert run_in(copy, "mypy", "--cache-dir", str(copy / "c"), "-p", "tests").returncode == 0
    test.write_text("def test_untyped(name):\n    assert name\n")
    done = run_in(copy, "mypy", "--cache-dir", str(copy / "c"), "-p", "tests")
    assert done.returncode == 1
    assert "Function is missing a type annotation" in done.stdout


def test_a_kernel_under_another_licence_is_found(copy: Path) -> None:
    assert list(licences.complaints(copy)) == []
    edit(copy / "REUSE.toml", '"relocatable/**/*.c", ', "")
    found = list(licences.complaints(copy))
    assert found
    assert all(c.endswith(".c: is compiled into products, must be 0BSD; is MIT") for c in found)


def test_a_changed_file_of_others_is_found(copy: Path) -> None:
    edit(copy / "device_fw" / "vendor" / "monocypher" / "monocypher.c", "// Monocypher", "// Ours")
    edit(copy / "THIRD-PARTY.md", "`device_fw/vendor/monocypher`", "`monocypher`")
    line, change = licences.complaints(copy)
    assert line == "device_fw/vendor/monocypher: THIRD-PARTY.md must have a line for it"
    assert re.fullmatch(r".*/monocypher\.c: must be as it came from https://.*, unchanged", change)


def test_a_third_party_without_a_line_is_found(copy: Path) -> None:
    (fetch,) = (copy / "device_fw").rglob("fetch_micropython.py")
    edit(fetch, '_TREE_PARTS = (\n    "py",\n', '_TREE_PARTS = (\n    "py",\n    "lib/attic",\n')
    (complaint,) = licences.complaints(copy)
    assert complaint.endswith("THIRD-PARTY.md must have a line for `lib/attic`")
