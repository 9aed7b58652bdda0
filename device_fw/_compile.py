"""Runs the compiler: one object file each, in parallel, and only where something changed."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from device_fw.errors import CompileError, FirmwareError

Tick = Callable[[], None]


@dataclass(frozen=True)
class Job:
    """One run of a tool that makes one file.

    Attributes:
        output: the file it makes.
        command: what makes it; writes the list of what it read to `depfile`.
    """

    output: Path
    command: tuple[str, ...]

    @property
    def depfile(self) -> Path:
        """Beside the output: the files that it was made from, as a makefile rule."""
        return self.output.with_name(self.output.name + ".d")

    @property
    def keyfile(self) -> Path:
        """Beside the output: the command that made it, hashed."""
        return self.output.with_name(self.output.name + ".key")

    @property
    def key(self) -> str:
        """The command, hashed."""
        return hashlib.sha256("\0".join(self.command).encode()).hexdigest()


def zig() -> str:
    """Path of the `zig` program of the ziglang wheel.

    Raises:
        FirmwareError: the wheel is not installed.
    """
    try:
        import ziglang
    except ImportError as error:
        raise FirmwareError(
            "the compiler is missing; install it: pip install 'ziglang>=0.17,<0.18'"
        ) from error
    folder = Path(ziglang.__file__).parent
    return str(folder / ("zig.exe" if os.name == "nt" else "zig"))


def run(what: str, command: Sequence[str], cwd: Path | None = None) -> str:
    """Runs a tool and returns its standard output.

    Raises:
        CompileError: it failed.
    """
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CompileError(what, command, done.stderr)
    return done.stdout


def make_all(jobs: Iterable[Job], tick: Tick) -> int:
    """Makes every output that is missing or older than what it was made from.

    Returns:
        How many were made.

    Raises:
        CompileError: of the first that failed; the ones not yet begun are not run.
    """
    jobs = list(jobs)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        futures = [pool.submit(_make, job, tick) for job in jobs]
        try:
            return sum(future.result() for future in futures)
        except FirmwareError:
            pool.shutdown(cancel_futures=True)
            raise


def _make(job: Job, tick: Tick) -> bool:
    stale = not _is_fresh(job)
    if stale:
        job.output.parent.mkdir(parents=True, exist_ok=True)
        job.keyfile.unlink(missing_ok=True)
        run(job.output.name, job.command)
        job.keyfile.write_text(job.key)
    tick()
    return stale


def _is_fresh(job: Job) -> bool:
    try:
        if job.keyfile.read_text() != job.key:
            return False
        made = job.output.stat().st_mtime_ns
        return all(Path(path).stat().st_mtime_ns <= made for path in _read_depfile(job.depfile))
    except OSError:
        return False


def _read_depfile(path: Path) -> list[str]:
    """The prerequisites of a makefile rule; a space within a name is written `\\ `."""
    text = path.read_text().split(": ", 1)[1].replace("\\\n", " ").replace("\\ ", "\0")
    return [word.replace("\0", " ") for word in text.split()]
