"""The environments of onnx2tf and litert-torch, made by the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

CACHE = ROOT / "build" / "converters"


def make(name: str) -> Path:
    """Have the command make an environment, unless it is there; give its Python."""
    _command(name, "--yes")
    return python_of(name)


def remove(name: str) -> None:
    """Have it removed."""
    _command(name, "--remove")


def python_of(name: str) -> Path:
    """Find the Python of an environment."""
    return CACHE / "converters" / name / "bin" / "python"


def _command(*arguments: str) -> None:
    program = "from host_sdk.cli import main; main()"
    subprocess.run(
        [sys.executable, "-c", program, "convert-env", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "XIPNET_CACHE": str(CACHE)},
        check=True,
    )


def run(python: Path, program: Path, folder: Path) -> None:
    """Run a program that makes models in a folder."""
    done = subprocess.run(
        [str(python), "-I", str(program), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
