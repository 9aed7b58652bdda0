"""Run ninja, from its wheel, over a build file."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from device_fw.errors import CompileError, FirmwareError

__all__ = ["Tick", "command_line", "ninja_program", "run_ninja"]

_ROOT = Path(__file__).resolve().parents[2]

# Told after each command how many are done, and of how many.
Tick = Callable[[int, int], None]

_STATUS = re.compile(r"^@(\d+)/(\d+) ")


def command_line(command: Sequence[str]) -> str:
    """Return a command as ninja wants it: for the shell, on Windows for the system."""
    line = subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)
    return line.replace("$", "$$")


def run_ninja(
    build_file: Path, folder: Path, tick: Tick, environment: Mapping[str, str] | None = None
) -> int:
    """Make what a build file names, as far as something changed.

    Args:
        build_file: what to make.
        folder: the commands' working directory.
        tick: told how far it is.
        environment: variables that the commands see, beside those of this process.

    Returns:
        How many commands were run.

    Raises:
        CompileError: a command failed: the first one that did.
        FirmwareError: ninja is not installed, or does not understand the file.
    """
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    own = {"NINJA_STATUS": "@%f/%t ", "PYTHONPATH": path}
    done, lines = 0, []
    with subprocess.Popen(
        [ninja_program(), "-f", str(build_file)],
        cwd=folder,
        env={**os.environ, **own, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if status := _STATUS.match(line):
                done = int(status.group(1))
                tick(done, int(status.group(2)))
    if process.returncode != 0:
        raise _failure(lines)
    return done


def ninja_program() -> str:
    """Return the path of the `ninja` program of its wheel.

    Raises:
        FirmwareError: the wheel is not installed.
    """
    try:
        from ninja import BIN_DIR
    except ImportError as error:
        raise FirmwareError(
            "ninja is missing; install it: pip install 'xipnet[compile]'"
        ) from error
    return str(Path(BIN_DIR) / ("ninja.exe" if os.name == "nt" else "ninja"))


def _failure(lines: Sequence[str]) -> FirmwareError:
    """Return the first failure: its output, its command and what it wrote."""
    for at, line in enumerate(lines):
        if line.startswith("FAILED: "):
            words = []
            for said in lines[at + 2 :]:
                if _STATUS.match(said) or said.startswith(("ninja: ", "FAILED: ")):
                    break
                words.append(said)
            output = line.removeprefix("FAILED: ").split()[-1]
            return CompileError(Path(output).name, shlex.split(lines[at + 1]), "\n".join(words))
    return FirmwareError("ninja: " + "\n".join(lines))
