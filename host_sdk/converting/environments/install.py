"""Make a converter's environment from its list, and take it away.

It is made in its place, and its marker is written last: an installation that was stopped has none,
and is made again. pip has kept what it downloaded.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import filelock

from host_sdk.converting.environments.environment import Build, Environment, this_machine
from host_sdk.display.plain import plain_line
from host_sdk.errors import InputError, ToolMissingError

_STEPS = 3  # beside the packages: the empty environment, their unpacking, a try
_LAST_LINES = 6
_COLLECTS = re.compile(r"Collecting (\S+)")
# What pip of the user may be set to that would put packages elsewhere.
_ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PYTHONPATH", "PYTHONHOME")

Progress = Callable[[int, int], None]


def choose_build(environment: Environment) -> Build:
    """Choose what pip can install here.

    Raises:
        InputError: there is nothing for this Python on this machine.
    """
    for build in environment.builds:
        if not build.asks or _pip_finds(build.asks):
            return build
    if environment.builds:
        asked = ", ".join(build.asks for build in environment.builds)
        raise InputError(f"pip must find {asked}; does not")
    raise InputError(
        f"{environment.title} must have files for this Python; has for "
        f"{', '.join(environment.known)}; this is {this_machine()}"
    )


def _pip_finds(package: str) -> bool:
    options = ("--dry-run", "--no-deps", "--ignore-installed", "--quiet", "--only-binary=:all:")
    command = [sys.executable, "-m", "pip", "install", *options, package]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def make_environment(
    environment: Environment, build: Build, progress: Progress | None = None
) -> None:
    """Install a build, unless it is there.

    Args:
        environment: to be made.
        build: from `choose_build`.
        progress: called with (done, total) packages and steps.

    Raises:
        InputError: there is no room, pip does not get a file, or what was installed does not start.
        ToolMissingError: this Python has no venv.
    """
    folder = environment.folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        if environment.is_whole():
            return
        shutil.rmtree(folder, ignore_errors=True)
        _check_room(folder.parent, build)
        total = len(build.packages) + _STEPS
        note = progress or (lambda done, total: None)
        note(0, total)
        _make_empty(folder)
        note(1, total)
        done = 1
        for _ in _install(environment, build):
            done += 1
            note(min(done, total - 1), total)
        _try(environment)
        _write_marker(environment.marker(), environment.mark(build))
        note(total, total)


def remove_environment(environment: Environment) -> bool:
    """Delete an environment; say whether there was one."""
    folder = environment.folder()
    there = folder.exists()
    if there:
        with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
            environment.marker().unlink(missing_ok=True)  # first: half of it is none
            shutil.rmtree(folder)
    return there


def _check_room(folder: Path, build: Build) -> None:
    free, needed = shutil.disk_usage(folder).free, build.download_bytes + build.disk_bytes
    if free < needed:
        raise InputError(f"{folder} must have room for {needed:,} bytes; has {free:,}")


def _make_empty(folder: Path) -> None:
    done = _run(sys.executable, "-m", "venv", str(folder))
    if done.returncode != 0:
        install = f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise ToolMissingError("a whole venv of this Python", install)


def _install(environment: Environment, build: Build) -> Iterator[str]:
    """Have pip install; yield at each package, and once for the unpacking.

    Raises:
        InputError: pip fails; its last lines are in the message.
    """
    listed = environment.folder() / "requirements.txt"
    listed.write_text(build.requirements(), encoding="ascii")
    # onnx2tf asks for Python 3.12, and runs on 3.11: tests/convert/test_onnx.py.
    options = (
        *("--no-deps", "--require-hashes", "--only-binary=:all:", "--ignore-requires-python"),
        *("--no-input", "--disable-pip-version-check", "--no-warn-script-location"),
    )
    command = [str(environment.python()), "-m", "pip", "install", *options, "-r", str(listed)]
    words: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_plain_environment(),
        text=True,
        errors="replace",
    ) as pip:
        assert pip.stdout is not None
        try:
            for line in pip.stdout:
                words.append(plain_line(line.rstrip()))
                if found := _COLLECTS.match(line):
                    yield found[1]
                elif line.startswith("Installing collected packages"):
                    yield ""
        except BaseException:
            pip.kill()
            raise
    if pip.returncode != 0:
        told = "\n".join(words)
        raise InputError(f"pip must install {environment.title}; it ended with:\n{told}")


def _try(environment: Environment) -> None:
    """Import what was installed: what the list lacks shows here, not at a model.

    Raises:
        InputError: it does not start.
    """
    program = "; ".join(f"import {name}" for name in environment.imports)
    done = _run(str(environment.python()), "-I", "-c", program)
    if done.returncode != 0:
        last = plain_line((done.stderr.strip().splitlines() or ["no reason given"])[-1])
        raise InputError(f"{environment.title} must start here; {last}")


def _write_marker(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    with beside.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        with contextlib.suppress(OSError):
            os.fsync(file.fileno())
    beside.replace(path)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=_plain_environment(),
        text=True,
        errors="replace",
        check=False,
    )


def _plain_environment() -> Mapping[str, str]:
    return {k: v for k, v in os.environ.items() if k not in _ELSEWHERE}
