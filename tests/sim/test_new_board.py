"""A board of one's own: one TOML, anywhere, of at most 40 lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from device_fw.boards import BOARDS_DIR, board_names, read_board
from device_fw.build.__main__ import main
from tests.sim.machine import Machine
from tests.sim.test_containment import ADD_ONE, blob_of
from tests.sim.test_without_vm import TOML

pytestmark = pytest.mark.sim

BLOB = 1


@pytest.mark.parametrize("name", board_names())
def test_a_board_is_at_most_40_lines(name: str) -> None:
    text = (BOARDS_DIR / f"{name}.toml").read_text(encoding="utf-8")
    assert len(said(text)) <= 40


def said(text: str) -> list[str]:
    """Return the lines of a TOML, without those that are blank or a remark."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_a_toml_elsewhere_is_built_and_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TOML.read_text(encoding="utf-8").replace("without MicroPython", "with 96 KB for models")
    text = text.replace('length = "80K" }', 'length = "96K" }')
    path = tmp_path / "my_board.toml"
    path.write_text(text, encoding="utf-8")
    assert len(said(text)) <= 40
    assert main(["--board", str(path), "--out", str(tmp_path / "out")]) == 0
    elf = tmp_path / "out" / "my_board.elf"
    assert str(elf) in capsys.readouterr().out
    with Machine(read_board(path), tmp_path / "flash", elf) as machine:
        machine.boot(prompt=False)
        told = machine.call("hello", 1)
        assert (told["board"], told["arena"]) == ("my_board", 96 << 10)
        machine.put("adds", BLOB, blob_of(ADD_ONE), activate=True)
        assert machine.call("run", 0, [b"a"])["result"] == b"b"


def test_what_is_wrong_with_a_toml_is_an_error_of_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my_board.toml"
    path.write_text(TOML.read_text(encoding="utf-8").replace("uart_cmsdk", "uart_x"))
    assert main(["--board", "my_board", "--out", str(tmp_path)]) == 1
    assert re.search("mps3_an547, .*pico2, or a TOML; is 'my_board'", capsys.readouterr().err)
    assert main(["--board", str(path), "--out", str(tmp_path)]) == 1
    told = re.search(r"\[uart\] part must be one of (.*), or a C file", capsys.readouterr().err)
    assert told is not None
    assert {"nor_ram", "uart_cmsdk"} <= set(told.group(1).split(", "))
