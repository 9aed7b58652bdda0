"""Build the firmware's core for this computer: a board on a pipe.

The program is compiled by the ziglang wheel alone and kept by the content of its sources. Tests
build the same sources with sanitizers (`tests/c/core_build.py`).
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from device_fw.build.flags import zig
from device_fw.build.folders import build_dir
from device_fw.build.sources import (
    BLOB_INCLUDE_DIR,
    CORE_DIR,
    FIRMWARE_DIR,
    VENDOR_DIR,
    core_files,
    vendor_files,
)
from device_fw.errors import CompileError, FirmwareError

HOST_DIR = FIRMWARE_DIR / "boards" / "host"
_HEADERS = (CORE_DIR, VENDOR_DIR, HOST_DIR, BLOB_INCLUDE_DIR)
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-sanitize=all", "-pthread")


def core_flags(lockable: bool = False) -> tuple[str, ...]:
    """Return the flags of every source of the core: folders, and if it can be locked."""
    folders = (CORE_DIR, FIRMWARE_DIR, BLOB_INCLUDE_DIR)
    return (*(f"-I{folder}" for folder in folders), f"-DXN_LOCKABLE={int(lockable)}")


def core_sources(lockable: bool = False) -> list[Path]:
    """List the core and the host's board, without a `main`."""
    board = [HOST_DIR / name for name in ("host_flash.c", "host_port.c", "process.c")]
    return [*core_files(lockable), *vendor_files(lockable), *board]


def core_program(
    main: Path = HOST_DIR / "main.c", without: Sequence[str] = (), lockable: bool = False
) -> Path:
    """Return the program, built first if no kept one has this content.

    Args:
        main: the source that holds `main`.
        without: names of sources that `main` replaces.
        lockable: build the core that can be locked.

    Raises:
        FirmwareError: it cannot be built here.
    """
    sources = [path for path in core_sources(lockable) if path.name not in without]
    flags = (*_target(), *_FLAGS, *core_flags(lockable))
    command = [zig(), "cc", *flags, *map(str, [*sources, main])]
    program = build_dir() / "core" / _digest(command, [*sources, main]) / main.stem
    if program.is_file():
        return program
    from filelock import FileLock

    program.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(program.parent / "lock"):
        if not program.is_file():
            _build(command, program)
    return program


def _build(command: Sequence[str], program: Path) -> None:
    part = program.with_suffix(".part")
    done = subprocess.run([*command, "-o", str(part)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CompileError(program.name, command, done.stderr)
    part.replace(program)


def _target() -> tuple[str, ...]:
    if sys.platform == "win32":
        raise FirmwareError("the core runs as a process on Linux and macOS; this is Windows")
    if sys.platform == "darwin":
        return ()
    # Code for 64 bits calls nothing of compiler-rt, whose build would take longer than all else.
    return ("-target", f"{platform.machine()}-linux-gnu", "-rtlib=none")


def _digest(command: Sequence[str], sources: Sequence[Path]) -> str:
    headers = [path for root in _HEADERS for path in root.rglob("*.h")]
    zig_stat = os.stat(command[0])
    hashed = hashlib.sha256(repr((command, zig_stat.st_size, zig_stat.st_mtime_ns)).encode())
    for path in sorted([*sources, *headers]):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:16]
