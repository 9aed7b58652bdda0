"""Jobs run when something they were made from changed, and only then."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from device_fw._compile import Job, make_all
from device_fw.errors import CompileError

# Copies its input, writes a depfile with a space in a name, and counts its runs.
COPY = """
import sys, pathlib
source, output = map(pathlib.Path, sys.argv[1:3])
output.write_text(source.read_text())
name = str(source).replace(" ", "\\\\ ")
pathlib.Path(f"{output}.d").write_text(f"out: {name} \\\\\\n  {name}\\n")
"""


def copy_job(source: Path, output: Path, *extra: str) -> Job:
    return Job(output, (sys.executable, "-c", COPY, str(source), str(output), *extra))


def nothing() -> None:
    pass


def test_only_what_changed_is_made(tmp_path: Path) -> None:
    source = tmp_path / "a b.c"
    source.write_text("1")
    job = copy_job(source, tmp_path / "out" / "a.o")
    assert make_all([job], nothing) == 1
    assert make_all([job], nothing) == 0
    later = job.output.stat().st_mtime_ns + 10**9
    os.utime(source, ns=(later, later))
    assert make_all([job], nothing) == 1
    assert make_all([copy_job(source, job.output, "another flag")], nothing) == 1
    job.output.unlink()
    assert make_all([job], nothing) == 1


def test_a_failure_carries_command_and_words(tmp_path: Path) -> None:
    job = Job(tmp_path / "x.o", (sys.executable, "-c", "raise SystemExit('no such thing')"))
    with pytest.raises(CompileError, match="no such thing") as failure:
        make_all([job], nothing)
    assert failure.value.what == "x.o"
    assert failure.value.command == job.command
    assert not job.keyfile.exists()
