"""The sizes that docs/BOARDS.md tells are those of a build, within 2 %."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from device_fw.boards import load_board
from device_fw.build import firmware_path
from device_fw.build.size import ram_bytes, text_bytes
from relocatable import compile_model
from relocatable.blob.cost import report
from tests.conftest import MODELS_DIR

pytestmark = pytest.mark.sim

PAGE = Path(__file__).resolve().parents[2] / "docs" / "BOARDS.md"
NEAR = 0.02
RP2_FLASH, RP2_RAM = 0x10000000, 0x20000000
BOARD = load_board("nucleo_f446re")


def row(name: str) -> list[int]:
    """Return the numbers of a row of the page."""
    text = PAGE.read_text(encoding="utf-8")
    [cells] = re.findall(rf"^\| {re.escape(name)} \| (.*) \|$", text, re.MULTILINE)
    return [int(number.replace(",", "")) for number in re.findall(r"[\d,]+", cells)]


def symbols(elf: Path) -> dict[str, int]:
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {s.name: int(s["st_value"]) for s in table.iter_symbols()}


@pytest.mark.slow
@pytest.mark.xdist_group("pico")
@pytest.mark.parametrize(
    ("column", "name"),
    [(0, "pico"), pytest.param(1, "pico2", marks=pytest.mark.proof("pico"))],  # builds for minutes
)
def test_a_pico(column: int, name: str) -> None:
    for tool in ("arm-none-eabi-gcc", "cmake", "make", "gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    at = symbols(firmware_path(name))
    seen = {
        "flash: firmware (of 768 KB)": at["__flash_binary_end"] - RP2_FLASH,
        "RAM: static, with the arenas and 4 KB for the stack of steps": at["__bss_end__"] - RP2_RAM,
        "RAM left: MicroPython's heap": at["__GcHeapEnd"] - at["__GcHeapStart"],
    }
    for line, size in seen.items():
        assert row(line)[column] == pytest.approx(size, rel=NEAR), line


def test_an_f446re() -> None:
    elf, arena = firmware_path(BOARD), BOARD.memory["arena"].length
    ram = BOARD.memory["stack"].length + sum(ram_bytes(elf).values())
    assert row("firmware, its stacks included") == pytest.approx([text_bytes(elf), ram], rel=NEAR)
    assert row("room for models")[-1] == arena
    used = {}
    for line, model in (("float32", "mnist_small_f32"), ("int8", "mnist_small_int8")):
        path = MODELS_DIR / f"{model}.tflite"
        cost = report(compile_model(path, target="cortex-m4"))
        used[line] = cost.arena_bytes
        seen = [cost.flash_bytes, cost.arena_bytes]
        assert row(f"MNIST, {line}") == pytest.approx(seen, rel=NEAR)
    left = row("left with both in the store, the float one running")[-1]
    assert left == pytest.approx(arena - used["float32"], rel=NEAR)
