"""Builds the firmware of a board with the ziglang wheel alone.

`python -m device_fw.build --board mps3_an547`, or from Python `firmware_path("mps3_an547")`.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from device_fw import _compile, _generate
from device_fw._compile import Job, Tick, zig
from device_fw._lock import exclusive
from device_fw._paths import build_dir
from device_fw._sources import (
    BLOB_INCLUDE_DIR,
    FIRMWARE_DIR,
    Sources,
    list_sources,
    watched_files,
)
from device_fw.boards import Board, board_names, load_board
from device_fw.errors import FirmwareError
from device_fw.fetch_micropython import MICROPYTHON_DATE, MICROPYTHON_VERSION, micropython_source

__all__ = ["build_firmware", "firmware_path"]

_OWN_WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
_VM_WARNINGS = ["-Wall", "-Werror"]
_NO_WARNINGS = ["-w"]

# By folder and name. The compiler must not turn the loop of memset into a call of memset; Python
# spends its time in the interpreter's loop and in the collector.
_EXTRA = {
    "libc/string0.c": ["-fno-builtin"],
    "py/vm.c": ["-O2"],
    "py/gc.c": ["-O2"],
    "model/xn_image.c": ["-O2", "-ffp-contract=off"],
}

# What never runs in a loop that anyone waits for is made as small as it can be.
_SMALL = re.compile(
    r"device_fw/core/\w+/xn_(active|call|error|event|extent|index\w*|install|lane|log|method\w*|run|safe|session|store|upload|"
    r"wear\w*)\.c|"
    r"device_fw/micropython/|[^/]+/(extmod|lib|shared(?!/libc))/|"
    r"[^/]+/py/(builtin\w+|compile|emit\w+|lexer|mod\w+|obj(complex|deque|exc\w*|prop\w*|slice|type)|"
    r"parse\w*|persistentcode|repl|scope|showbc|warning)\.c"
)


@dataclass(frozen=True)
class _Plan:
    """All that building one board needs to know."""

    board: Board
    micropython: Path
    sources: Sources
    work: Path
    elf: Path


def firmware_path(board: str) -> Path:
    """The firmware of a board, built first where it is missing or older than its sources.

    Raises:
        FirmwareError: it cannot be built.
    """
    return build_firmware(board, build_dir() / "firmware")


def build_firmware(board: str, out_dir: Path | str) -> Path:
    """Builds a board's firmware; does nothing where no source and no flag changed.

    Args:
        board: the board's name, for example `mps3_an547`.
        out_dir: gets `<board>.elf` and, in a folder `<board>`, what it is made from.

    Returns:
        The ELF file.

    Raises:
        FirmwareError: MicroPython's source or the compiler is missing, or it failed.
        ValueError: there is no such board.
    """
    plan = _plan(load_board(board), Path(out_dir).resolve())
    stamp, now = plan.work / "stamp", _fingerprint(plan)
    if _is_fresh(plan, now):
        return plan.elf
    with exclusive(plan.work / "lock"):
        if not _is_fresh(plan, now):
            stamp.unlink(missing_ok=True)
            _build(plan)
            stamp.write_text(now)
    return plan.elf


def _is_fresh(plan: _Plan, fingerprint: str) -> bool:
    stamp = plan.work / "stamp"
    return plan.elf.is_file() and stamp.is_file() and stamp.read_text() == fingerprint


def _plan(board: Board, out: Path) -> _Plan:
    micropython = micropython_source()
    sources = list_sources(board, micropython)
    return _Plan(board, micropython, sources, out / board.name, out / f"{board.name}.elf")


def _fingerprint(plan: _Plan) -> str:
    """Changes when a source, a header, a flag or the compiler does."""
    files = [*watched_files(plan.board, plan.micropython), Path(zig())]
    stats = [(str(path), path.stat()) for path in files]
    state = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]
    return hashlib.sha256(repr(state).encode()).hexdigest()


def _build(plan: _Plan) -> None:
    searched = [*plan.sources.vm]
    count = len(searched) + len(_all_sources(plan)) + 1
    with _progress(plan.board.title, count) as tick:
        genhdr = plan.work / "genhdr"
        _generate.write_version_header(genhdr, f"v{MICROPYTHON_VERSION}", MICROPYTHON_DATE)
        jobs = [_preprocess_job(plan, source) for source in searched]
        _compile.make_all(jobs, tick)
        outputs = [job.output for job in jobs]
        _generate.generate_headers(genhdr, plan.micropython, outputs, _preprocess_command(plan))
        objects = [_object_job(plan, source) for source in _all_sources(plan)]
        _compile.make_all(objects, tick)
        _link(plan, [job.output for job in objects])
        tick()


def _all_sources(plan: _Plan) -> list[Path]:
    return [*plan.sources.own, *plan.sources.vm, *plan.sources.plain]


# ---- Command lines -------------------------------------------------------------------------------


def _clang(board: Board) -> tuple[str, ...]:
    return (
        zig(),
        "clang",
        f"--target={board.clang_target}",
        f"-mcpu={board.clang_cpu}",
        "-mfloat-abi=hard",
        "-std=gnu11",
        "-ffreestanding",
        "-fno-builtin-bcmp",
    )


def _defines(board: Board) -> tuple[str, ...]:
    return (
        f'-DXN_BOARD_NAME="{board.name}"',
        f'-DXN_BOARD_TITLE="{board.title}"',
        f'-DXN_BOARD_CPU="{board.cpu}"',
        f"-DXN_BOARD_LEVEL={board.level}",
        f"-DXN_BOARD_FEATURES=({board.features})",
        f"-DXN_CPU_HZ={board.hz}u",
        f"-DXN_UART_BASE={board.uart_base:#x}u",
        f"-DXN_UART_HZ={board.uart_hz}u",
        f"-DXN_UART_IRQ={board.uart_irq}u",
        f"-DXN_FLASH_BASE={board.flash_base:#x}u",
        f"-DXN_FLASH_BYTES={board.flash_size:#x}u",
        f"-DXN_FILES_BYTES={board.files_size:#x}u",
    )


def _includes(plan: _Plan) -> tuple[str, ...]:
    folders = [
        FIRMWARE_DIR,
        FIRMWARE_DIR / "core",
        FIRMWARE_DIR / "micropython",
        BLOB_INCLUDE_DIR,
        plan.micropython,
        plan.work,
    ]
    system = [FIRMWARE_DIR / "libc", Path(zig()).parent / "lib" / "include"]
    return (
        "-nostdinc",
        *(f"-I{folder}" for folder in folders),
        *(word for folder in system for word in ("-isystem", str(folder))),
    )


def _flags(plan: _Plan) -> tuple[str, ...]:
    return (
        *("-Os", "-DNDEBUG", "-ffunction-sections", "-fdata-sections", "-fno-unwind-tables"),
        *("-DMICROPY_VFS_LFS2=1", "-DLFS2_NO_MALLOC", "-DLFS2_NO_DEBUG", "-DLFS2_NO_WARN"),
        *("-DLFS2_NO_ERROR", "-DLFS2_NO_ASSERT", '-DFFCONF_H="lib/oofatfs/ffconf.h"'),
        *_defines(plan.board),
        *_includes(plan),
    )


def _preprocess_command(plan: _Plan) -> list[str]:
    return [*_clang(plan.board), *_flags(plan), "-E", "-DNO_QSTR", "-w", "-x", "c"]


def _preprocess_job(plan: _Plan, source: Path) -> Job:
    output = plan.work / "names" / f"{_object_name(plan, source)}.i"
    command = (*_preprocess_command(plan), *_depfile(output), str(source), "-o", str(output))
    return Job(output, command)


def _object_job(plan: _Plan, source: Path) -> Job:
    output = plan.work / "objects" / f"{_object_name(plan, source)}.o"
    own = source in plan.sources.own
    warnings = _OWN_WARNINGS if own else _VM_WARNINGS
    if source in plan.sources.plain:
        warnings = _NO_WARNINGS
    extra = _EXTRA.get(f"{source.parent.name}/{source.name}", ())
    small = ("-Oz",) if _SMALL.match(_object_name(plan, source)) else ()
    command = (*_clang(plan.board), *_flags(plan), *warnings, *small, *extra, *_depfile(output))
    return Job(output, (*command, "-c", str(source), "-o", str(output)))


def _depfile(output: Path) -> tuple[str, ...]:
    return ("-MD", "-MF", str(output) + ".d", "-MT", output.name)


def _object_name(plan: _Plan, source: Path) -> str:
    for root in (FIRMWARE_DIR, plan.micropython):
        if source.is_relative_to(root):
            return f"{root.name}/{source.relative_to(root).as_posix()}"
    raise ValueError(f"{source} is in no source tree")


def _link(plan: _Plan, objects: list[Path]) -> None:
    """Links; `zig cc` adds what the CPU lacks, such as 64-bit division."""
    arguments = plan.work / "link.args"
    arguments.write_text("\n".join(f'"{path.as_posix()}"' for path in objects))
    command = [
        *(zig(), "cc", "-target", "thumb-freestanding-eabihf", f"-mcpu={plan.board.zig_cpu}"),
        *("-fno-sanitize=all", "-Wl,--gc-sections", f"-Wl,-T,{plan.board.folder / 'board.ld'}"),
        *(f"-L{FIRMWARE_DIR}", f"@{arguments}", "-o", str(plan.elf)),
    ]
    _compile.run(plan.elf.name, command, cwd=FIRMWARE_DIR)


# ---- Progress and command line -------------------------------------------------------------------


@contextmanager
def _progress(title: str, count: int) -> Iterator[Tick]:
    """A progress bar on standard error, where rich is installed and someone watches."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield lambda: None
        return
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"firmware: {title}", total=count)
        yield lambda: progress.advance(task)


def main(arguments: list[str] | None = None) -> int:
    """Entry of `python -m device_fw.build`."""
    parser = argparse.ArgumentParser(prog="device_fw.build", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--board", choices=board_names(), help="build this board's firmware")
    which.add_argument("--all", action="store_true", help="build every board's")
    parser.add_argument("--out", type=Path, default=build_dir() / "firmware", help="output folder")
    options = parser.parse_args(arguments)
    try:
        for name in board_names() if options.all else [options.board]:
            print(build_firmware(name, options.out))
    except FirmwareError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
