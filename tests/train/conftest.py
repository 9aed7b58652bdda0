"""TensorFlow in an environment of its own, and the training scripts run there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.convert.conftest import REQUIREMENTS
from tools.tensorflow_environment import pinned_python, quiet_environment

Run = Callable[..., str]
XIPNET = "from host_sdk.cli import main; main()"


@pytest.fixture(scope="session")
def python() -> Path:
    """Install TensorFlow and what prunes and clusters, once (600 MB)."""
    # Asks for an older absl-py than TensorFlow.
    return pinned_python("train", REQUIREMENTS, "tensorflow-model-optimization==0.8.1")


@pytest.fixture(scope="session")
def script(python: Path) -> Run:
    """Run a script of examples, or with -m a module, from the project's folder."""
    return lambda *arguments: _run(python, *arguments)


@pytest.fixture(scope="session")
def xipnet(python: Path) -> Run:
    """Run the command xipnet beside TensorFlow."""
    return lambda *arguments: _run(python, "-c", XIPNET, *arguments)


def _run(python: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        [str(python), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, **quiet_environment(), "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
