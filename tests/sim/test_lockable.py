"""What the firmware that can be locked leaves out of MicroPython."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from host_sdk import Device
from host_sdk.errors import PythonError
from tests.sim.conftest import evaluate

pytestmark = pytest.mark.sim

ARCH_ARMV7EM = 6  # of a .mpy, in bits 2 to 5 of its third byte
NATIVE = bytes([ord("M"), 6, ARCH_ARMV7EM << 2 | 3, 31, 0, 0])


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    with Device("sim://cortex-m4-lockable") as opened:
        yield opened


def test_its_name_tells_it(board: Device) -> None:
    assert board.info().board.endswith("-lockable")


def test_python_has_no_raw_memory_and_no_raw_flash(board: Device) -> None:
    with pytest.raises(PythonError, match="no module named 'uctypes'"):
        board.exec("import uctypes")
    names = set(evaluate(board, "dir(__import__('machine'))"))
    assert "reset" in names
    assert not names & {"Flash", "mem8", "mem16", "mem32"}


def test_python_has_no_native_code(board: Device) -> None:
    for kind in ("native", "viper", "asm_thumb"):
        with pytest.raises(PythonError, match="SyntaxError"):
            board.exec(f"@micropython.{kind}\ndef f():\n pass")
    board.put("unsafe.mpy", NATIVE)
    with pytest.raises(PythonError, match=r"native code in \.mpy unsupported"):
        board.exec("import unsafe")
