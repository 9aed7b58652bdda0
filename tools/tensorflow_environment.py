"""Make an environment of Python with TensorFlow, which the project's own lacks."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent


def tensorflow_python(name: str, *packages: str) -> Path:
    """Find the Python of an environment; make it if there is none.

    Args:
        name: of its folder in build.
        packages: that it has beside TensorFlow, as pip takes them.
    """
    folder = ROOT / "build" / name
    python, done = folder / "bin" / "python", folder / "installed"
    with _alone(folder):
        if done.exists():
            return python
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        train = extras["project"]["optional-dependencies"]["train"]
        wanted = [text for text in train if text.startswith("tensorflow")]
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = (str(python), "-m", "pip", "install", "--quiet")
        subprocess.run([*install, *wanted, *packages], check=True)
        done.touch()
    return python


def pinned_python(name: str, requirements: Path, *alone: str) -> Path:
    """Find the Python of an environment of exact versions; make it if they changed.

    It sees the packages of this environment, too, behind its own.

    Args:
        name: of its folder in build.
        requirements: pinned packages, beside constraints.txt.
        alone: further packages, without what they ask for.
    """
    folder = ROOT / "build" / name
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = sha256(requirements.read_bytes() + "\n".join(alone).encode()).hexdigest()
    with _alone(folder):
        if stamp.exists() and stamp.read_text() == wanted:
            return python
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = (str(python), "-m", "pip", "install", "--quiet")
        pinned = ("-c", str(ROOT / "constraints.txt"), "-r", str(requirements))
        subprocess.run([*install, *pinned], check=True)
        if alone:
            subprocess.run([*install, "--no-deps", *alone], check=True)
        asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
        said = subprocess.run(
            [str(python), "-c", asked], capture_output=True, text=True, check=True
        )
        # Behind its own packages: a .pth appends.
        beside = Path(said.stdout.strip()) / "beside.pth"
        beside.write_text(sysconfig.get_path("purelib") + "\n")
        stamp.write_text(wanted)
    return python


def _alone(folder: Path) -> FileLock:
    """Keep other processes from making the same environment."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(f"{folder}.lock")


def quiet_environment() -> dict[str, str]:
    """Return this process's variables, with neither log nor GPU for TensorFlow."""
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
