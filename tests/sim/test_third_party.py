"""What the firmware is built from is listed in THIRD-PARTY.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from device_fw.boards import load_board, virtual_names
from device_fw.build.fetch_micropython import MICROPYTHON_VERSION, micropython_source
from device_fw.build.sources import FIRMWARE_DIR, list_sources
from tests.conftest import ROOT

pytestmark = pytest.mark.sim  # it needs MicroPython's source, as the firmware does

PAGE = (ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8")


def part(path: Path) -> str:
    """Name the part of MicroPython that a file is in; below `lib` two folders."""
    return "/".join(path.parts[: 2 if path.parts[0] == "lib" else 1])


@pytest.mark.parametrize("name", virtual_names(vm=True))
def test_every_part_has_a_line(name: str) -> None:
    micropython = micropython_source()
    sources = list_sources(load_board(name), micropython, FIRMWARE_DIR)
    foreign = [
        path.relative_to(micropython)
        for path in (*sources.own, *sources.vm, *sources.plain)
        if not path.is_relative_to(FIRMWARE_DIR)
    ]
    assert len(foreign) > 100
    assert {part(path) for path in foreign if f"| `{part(path)}` |" not in PAGE} == set()


def test_the_version_is_said() -> None:
    assert f"MicroPython {MICROPYTHON_VERSION}" in PAGE
