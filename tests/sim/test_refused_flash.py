"""A virtual board whose flash holds no store, and is not blank, leaves it alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from device_fw.boards import load_board
from tests.sim.machine import Machine, RefusedError

pytestmark = pytest.mark.sim

BOARD = "mps2_an386"
E_STORE = -28


def content(kind: str, size: int) -> bytes:
    if kind == "random":
        return random.Random(1).randbytes(size)
    return (bytes(size) if kind == "zeros" else b"another firmware's files " * size)[:size]


@pytest.mark.parametrize("kind", ["random", "zeros", "foreign"])
def test_foreign_flash_is_left_alone_until_format(tmp_path: Path, kind: str) -> None:
    board = load_board(BOARD)
    size = board.flash_bytes - board.files_bytes  # the upper part is the file system's
    flash = tmp_path / "flash"
    foreign = content(kind, size)
    flash.write_bytes(foreign + b"\xff" * board.files_bytes)
    with Machine(BOARD, flash) as machine:
        machine.call("ping", 1)
        assert machine.call("eval", "1 + 1") == 2
        with pytest.raises(RefusedError, match="bytes of no store at 0") as refused:
            machine.call("ls")
        assert refused.value.args[0] == E_STORE
        assert flash.read_bytes()[:size] == foreign
        machine.call("format", "erase all")
        assert machine.call("ls") == []
    with Machine(BOARD, flash) as machine:
        assert machine.call("ls") == []


def test_a_file_system_that_cannot_be_mounted_is_left_alone(tmp_path: Path) -> None:
    board = load_board(BOARD)
    size = board.flash_bytes - board.files_bytes
    flash = tmp_path / "flash"
    foreign = content("foreign", board.files_bytes)
    flash.write_bytes(b"\xff" * size + foreign)
    with Machine(BOARD, flash) as machine:
        assert machine.call("eval", "1 + 1") == 2
        with pytest.raises(RefusedError):
            machine.call("exec", "open('/x', 'w')")
        assert flash.read_bytes()[size:] == foreign
        make = "import machine, vfs; vfs.VfsLfs2.mkfs(machine.Flash(), progsize=256)"
        machine.call("exec", make)
    with Machine(BOARD, flash) as machine:
        machine.call("exec", "open('/x', 'w').close()")
        assert machine.call("eval", "__import__('os').listdir('/')") == ["store", "x"]
