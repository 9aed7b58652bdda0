"""Make an environment of Python with TensorFlow, which the project's own lacks."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def tensorflow_python(name: str, *packages: str) -> Path:
    """Find the Python of an environment; make it if there is none.

    Args:
        name: of its folder in build.
        packages: that it has beside TensorFlow, as pip takes them.
    """
    folder = ROOT / "build" / name
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        train = extras["project"]["optional-dependencies"]["train"]
        wanted = [text for text in train if text.startswith("tensorflow")]
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = (str(python), "-m", "pip", "install", "--quiet")
        subprocess.run([*install, *wanted, *packages], check=True)
        done.touch()
    return python


def quiet_environment() -> dict[str, str]:
    """Return this process's variables, with neither log nor GPU for TensorFlow."""
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
