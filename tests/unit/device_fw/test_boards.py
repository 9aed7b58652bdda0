"""What the board descriptions say, and the command that starts one."""

from __future__ import annotations

from pathlib import Path

import pytest

from device_fw.boards import board_for_cpu, board_names, load_board, qemu_command


@pytest.mark.parametrize("name", board_names())
def test_a_board_fits_its_machine(name: str) -> None:
    board = load_board(name)
    assert board.name == name
    assert board_for_cpu(board.cpu) == board
    assert 0 < board.files_size < board.flash_size <= board.qemu.memory_size
    assert board.flash_size % 4096 == board.files_size % 4096 == 0
    assert (board.folder / "board.ld").is_file()


def test_the_boards_are_told_when_one_is_unknown() -> None:
    with pytest.raises(ValueError, match=r"no board 'nrf'.*mps2_an386.*mps3_an547"):
        load_board("nrf")
    with pytest.raises(ValueError, match=r"'cortex-m0'.*cortex-m4.*cortex-m55"):
        board_for_cpu("cortex-m0")


def test_command_keeps_flash_in_the_file() -> None:
    board = load_board("mps2_an500")
    command = qemu_command(board, Path("fw.elf"), Path("a,b/flash"), "pty")
    backend = command[command.index("-object") + 1]
    assert "mem-path=a,,b/flash" in backend.replace("\\", "/")
    assert f"size={board.qemu.memory_size}" in backend
    assert "memory-backend=flash" in command[command.index("-machine") + 1]
    assert command[command.index("-kernel") + 1] == "fw.elf"
    assert command[-2:] == ["-serial", "pty"]


def test_a_new_flash_file_is_blank_and_an_old_one_stays(tmp_path: Path) -> None:
    board = load_board("mps3_an547")
    flash = tmp_path / "flash"
    flash.touch()  # as a lock leaves it
    qemu_command(board, Path("fw.elf"), flash, "pty")
    assert flash.stat().st_size == board.qemu.memory_size
    with flash.open("r+b") as file:
        assert file.read(board.flash_size).count(0xFF) == board.flash_size
        file.seek(0)
        file.write(bytes(4096))
    qemu_command(board, Path("fw.elf"), flash, "pty")
    with flash.open("rb") as file:
        assert file.read(4096) == bytes(4096)
