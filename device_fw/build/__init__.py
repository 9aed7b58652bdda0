"""Build the firmware of a board with Clang and ninja, both from wheels.

`python -m device_fw.build --board mps3_an547`, or from Python `firmware_path("mps3_an547")`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from device_fw.boards import Board, load_board
from device_fw.build.board_files import board_c, linker_script
from device_fw.build.fetch_micropython import (
    MICROPYTHON_DATE,
    MICROPYTHON_VERSION,
    micropython_source,
)
from device_fw.build.flags import Plan
from device_fw.build.flat import write_flat
from device_fw.build.folders import build_dir
from device_fw.build.generate import write_changed, write_version_header
from device_fw.build.ninja import Tick, ninja_program, run_ninja
from device_fw.build.rp2 import build_rp2, rp2_boards
from device_fw.build.sources import FIRMWARE_DIR

__all__ = ["build_firmware", "firmware_path"]


def firmware_path(board: str | Board) -> Path:
    """Return the firmware of a board, up to date: built first if need be.

    Raises:
        FirmwareError: it cannot be built.
    """
    return build_firmware(board, build_dir() / "firmware")


def build_firmware(board: str | Board, out_dir: Path | str) -> Path:
    """Build a board's firmware, as far as a source, a flag or the compiler changed.

    Args:
        board: the board, or its name, for example `mps3_an547`.
        out_dir: gets `<board>.elf` (and `<board>.uf2` or `<board>.bin`, if the board is written so)
            and, in a folder `<board>`, what it is made from.

    Returns:
        The ELF file.

    Raises:
        FirmwareError: MicroPython's source, the compiler or ninja is missing, a tool failed, or the
            firmware is larger than its board allows.
        ValueError: there is no such board.
    """
    ninja_program()
    if isinstance(board, str) and board in rp2_boards():
        with _progress(board) as tick:
            return build_rp2(board, Path(out_dir), tick)
    from filelock import FileLock

    from device_fw.build.ninja_file import ninja_text

    described = load_board(board) if isinstance(board, str) else board
    source = micropython_source() if described.vm else None
    plan = Plan.of(described, source, Path(out_dir).resolve())
    plan.work.mkdir(parents=True, exist_ok=True)
    with FileLock(plan.work / "lock"), _progress(plan.board.title) as tick:
        if described.vm:
            write_version_header(plan.work / "genhdr", f"v{MICROPYTHON_VERSION}", MICROPYTHON_DATE)
        write_changed(plan.work / "board.c", board_c(described))
        write_changed(plan.linker_script, linker_script(described))
        build_file = plan.work / "build.ninja"
        write_changed(build_file, ninja_text(plan))
        run_ninja(build_file, FIRMWARE_DIR, tick)
        if described.is_flat:
            write_flat(plan.elf)
    return plan.elf


@contextmanager
def _progress(title: str) -> Iterator[Tick]:
    """Lend what shows a progress bar from the first command on: mostly there is none."""
    with ExitStack() as shown:

        @cache
        def bar() -> Tick:
            return shown.enter_context(_progress_bar(title))

        yield lambda done, count: bar()(done, count)


@contextmanager
def _progress_bar(title: str) -> Iterator[Tick]:
    """Show a progress bar on standard error, if rich is installed and someone watches."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield lambda done, count: None
        return
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"firmware: {title}", total=None)
        yield lambda done, count: progress.update(task, completed=done, total=count)
