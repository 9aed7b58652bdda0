"""The boards, a TOML each, and how to start a virtual one."""

from __future__ import annotations

from pathlib import Path

from device_fw.boards.board import (
    LOCKABLE_SUFFIX,
    Board,
    Emulator,
    Part,
    read_board,
)
from device_fw.boards.emulate import qemu_command, sensor_arguments

__all__ = [
    "LOCKABLE_SUFFIX",
    "Board",
    "Emulator",
    "Part",
    "board_for_cpu",
    "board_names",
    "load_board",
    "qemu_command",
    "read_board",
    "sensor_arguments",
    "virtual_names",
]

BOARDS_DIR = Path(__file__).resolve().parent


def board_names() -> list[str]:
    """Return the names of all boards, sorted."""
    return sorted(path.stem for path in BOARDS_DIR.glob("*.toml"))


def virtual_names(vm: bool = False) -> list[str]:
    """Return the names of the boards that an emulator plays, sorted.

    Args:
        vm: only of those whose firmware holds MicroPython.
    """
    boards = [board for name in board_names() if (board := load_board(name)).emulator is not None]
    return [board.name for board in boards if board.vm or not vm]


def load_board(name: str) -> Board:
    """Read the description of a board.

    Args:
        name: one of `board_names()`; with `-lockable` behind it, its firmware can be locked.

    Raises:
        ValueError: there is no such board.
    """
    plain = name.removesuffix(LOCKABLE_SUFFIX)
    if plain not in board_names():
        raise ValueError(f"no board {plain!r}; there are {', '.join(board_names())}")
    return read_board(BOARDS_DIR / f"{plain}.toml", lockable=name != plain)


def board_for_cpu(cpu: str) -> Board:
    """Return the virtual board that runs a CPU profile such as `cortex-m55`.

    `cortex-m55-lockable` is the same board, whose firmware can be locked.

    Raises:
        ValueError: no board has that CPU.
    """
    plain = cpu.removesuffix(LOCKABLE_SUFFIX)
    boards = [load_board(name) for name in virtual_names()]
    for board in boards:
        if board.cpu == plain:
            return read_board(board.path, lockable=cpu != plain)
    known = ", ".join(sorted(board.cpu for board in boards))
    raise ValueError(f"no virtual board has CPU {plain!r}; there are {known}")
