"""The boards, a folder each, and how to start a virtual one."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Board", "Qemu", "board_for_cpu", "board_names", "load_board", "qemu_command"]

BOARDS_DIR = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Qemu:
    """How QEMU plays a board.

    Attributes:
        program: the executable.
        machine: its `-machine`.
        memory_size: bytes of the memory, backed by a file, that holds the flash at its start.
    """

    program: str
    machine: str
    memory_size: int


@dataclass(frozen=True)
class Board:
    """One board, as its `board.toml` describes it. Sizes are bytes.

    Attributes:
        name: the folder's name.
        title: for people.
        family: the folder in `boards` with what boards of its kind share.
        cpu: the compiler's target name, for example `cortex-m55`.
        zig_cpu: CPU and features as `zig -mcpu` wants them.
        clang_target: the target triple that Clang compiles for.
        clang_cpu: CPU as Clang's `-mcpu` wants it.
        level: name in `xn_blob.h` of its architecture level.
        features: names there of what else the CPU has, joined by `|`.
        text_max: bytes that the firmware's code may have.
        hz: clock of the core and its SysTick.
        uart_base: address of the UART.
        uart_hz: the clock that its baud rate is divided from.
        uart_irq: its receive interrupt.
        flash_base: where the flash is mapped.
        flash_size: the whole flash.
        files_size: the top of the flash, used by the VM's file system; the rest is the store's.
        qemu: how to start the board virtually.
    """

    name: str
    title: str
    family: str
    cpu: str
    zig_cpu: str
    clang_target: str
    clang_cpu: str
    level: str
    features: str
    text_max: int
    hz: int
    uart_base: int
    uart_hz: int
    uart_irq: int
    flash_base: int
    flash_size: int
    files_size: int
    qemu: Qemu

    @property
    def folder(self) -> Path:
        """The folder of what only this board has."""
        return BOARDS_DIR / self.name


def board_names() -> list[str]:
    """Return the names of all boards, sorted."""
    return sorted(path.parent.name for path in BOARDS_DIR.glob("*/board.toml"))


def load_board(name: str) -> Board:
    """Read the description of a board.

    Raises:
        ValueError: there is no such board.
    """
    if name not in board_names():
        raise ValueError(f"no board {name!r}; there are {', '.join(board_names())}")
    text = (BOARDS_DIR / name / "board.toml").read_text(encoding="utf-8")
    return _parse(tomllib.loads(text))


def board_for_cpu(cpu: str) -> Board:
    """Return the board that runs a CPU profile such as `cortex-m55`.

    Raises:
        ValueError: no board has that CPU.
    """
    boards = [load_board(name) for name in board_names()]
    for board in boards:
        if board.cpu == cpu:
            return board
    known = ", ".join(sorted(board.cpu for board in boards))
    raise ValueError(f"no virtual board has CPU {cpu!r}; there are {known}")


def qemu_command(board: Board, elf: Path, flash_file: Path, serial: str) -> list[str]:
    """Return the command that starts a board under QEMU.

    Args:
        board: which one.
        elf: its firmware.
        flash_file: keeps the flash; made, and blank, if it is missing or empty and its folder is
            there. The flash is at its start.
        serial: QEMU's `-serial`, for example `tcp:127.0.0.1:4000,server=on,wait=off,nodelay=on`.
    """
    _make_blank(board, flash_file)
    backend = ",".join(
        [
            "memory-backend-file,id=flash,share=on",
            f"mem-path={_quote(flash_file)}",
            f"size={board.qemu.memory_size}",
        ]
    )
    return [
        board.qemu.program,
        *("-machine", f"{board.qemu.machine},memory-backend=flash"),
        *("-object", backend),
        *("-kernel", str(elf)),
        *("-display", "none", "-monitor", "none", "-nic", "none"),
        # No byte is QEMU's own: a character device with mux=on, which carries bytes to the board
        # three times as quickly, would keep Ctrl-A for itself.
        *("-echr", "256"),
        *("-serial", serial),
    ]


def _make_blank(board: Board, flash_file: Path) -> None:
    """Make a file as flash leaves the factory; QEMU would make one of zeros."""
    if not flash_file.parent.is_dir() or (flash_file.exists() and flash_file.stat().st_size > 0):
        return
    with flash_file.open("wb") as file:  # the same file: it may be locked already
        file.write(b"\xff" * board.flash_size)
        file.truncate(board.qemu.memory_size)


def _quote(path: Path) -> str:
    return str(path).replace(",", ",,")


def _parse(table: dict[str, Any]) -> Board:
    build, uart, flash, qemu = table["build"], table["uart"], table["flash"], table["qemu"]
    return Board(
        name=table["name"],
        title=table["title"],
        family=table["family"],
        cpu=table["cpu"],
        zig_cpu=build["zig_cpu"],
        clang_target=build["clang_target"],
        clang_cpu=build["clang_cpu"],
        level=build["level"],
        features=build["features"],
        text_max=build["text_max"],
        hz=table["clock"]["hz"],
        uart_base=uart["base"],
        uart_hz=uart["hz"],
        uart_irq=uart["irq"],
        flash_base=flash["base"],
        flash_size=flash["size"],
        files_size=flash["files_size"],
        qemu=Qemu(qemu["program"], qemu["machine"], qemu["memory_size"]),
    )
