"""The user C module: make and CMake build the same files."""

from __future__ import annotations

import re
from pathlib import Path

from device_fw.build.sources import FIRMWARE_DIR

FOLDER = FIRMWARE_DIR / "micropython"


def listed(file: str, pattern: str) -> set[Path]:
    match = re.search(pattern, (FOLDER / file).read_text(encoding="utf-8"), re.S)
    assert match is not None
    return {FOLDER / f"{name}.c" for name in match.group(1).replace("\\\n", " ").split()}


def by_make() -> set[Path]:
    return listed("micropython.mk", r"XIPNET_GLUE := (.*?[^\\])\n")


def test_cmake_lists_the_files_of_make() -> None:
    assert by_make() == listed("micropython.cmake", r"set\(XIPNET_GLUE\s+(.*?)\)")


def test_what_a_listed_file_includes_is_listed() -> None:
    files = by_make()
    assert FOLDER / "modxipnet.c" in files
    # What drives our own VM is not built: the module has this in its place.
    replaced = included_by(FOLDER / "usermod" / "serve.c")
    replaced.add(FOLDER / "store_vfs.c")  # it is asked on boards that can be locked alone
    replaced.add(FOLDER / "sensor.c")  # of boards whose TOML names sensors
    included = set().union(*map(included_by, files))
    assert included - replaced <= files


def test_sizes_on_the_page_are_read() -> None:
    page = (FIRMWARE_DIR.parent / "docs" / "PORTING.md").read_text(encoding="utf-8")
    sources = [*(FIRMWARE_DIR / "core").rglob("*.h"), *(FOLDER / "usermod").glob("*.c")]
    sources += (FIRMWARE_DIR / "ports" / "flash").glob("*.[ch]")
    texts = "\n".join(map(Path.read_text, sources))
    read = re.findall(r"^#if(?:n?def |.*?!defined\()(XN_\w+)", texts, re.M)
    sizes = set(re.findall(r"-D(XN_\w+)", page))
    assert len(sizes) >= 5
    assert sizes <= set(read)


def test_functions_on_the_page_are_of_the_port() -> None:
    page = (FIRMWARE_DIR.parent / "docs" / "PORTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(xn_port_\w+)\(", page, re.M))
    parts = (FOLDER / "usermod" / "port.c", FIRMWARE_DIR / "ports" / "flash" / "ram.c")
    weak = "\n".join(part.read_text(encoding="utf-8") for part in parts)
    assert "xn_port_reach" in named
    assert named <= set(re.findall(r"^WEAK .*?(xn_port_\w+)\(", weak, re.M))


def included_by(path: Path) -> set[Path]:
    """Return the C files whose headers a file includes."""
    names = re.findall(r'#include "micropython/([\w/]+)\.h"', path.read_text(encoding="utf-8"))
    return {source for name in names if (source := FOLDER / f"{name}.c").is_file()}


def test_files_of_the_user_module_are_listed() -> None:
    assert set((FOLDER / "usermod").glob("*.c")) <= by_make()
