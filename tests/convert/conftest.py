"""TensorFlow in an environment of its own, and models that Keras made there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from host_sdk.converting import run_converter
from tests.conftest import ROOT
from tests.convert import private_environments
from tools.tensorflow_environment import pinned_python

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"


@pytest.fixture(scope="session")
def tensorflow() -> Path:
    """Install TensorFlow beside the project, once (600 MB); give its Python."""
    return pinned_python("convert", REQUIREMENTS)


@pytest.fixture(scope="session")
def models(tensorflow: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have Keras make the models of make_models.py."""
    folder = tmp_path_factory.mktemp("models")
    run(tensorflow, str(HERE / "make_models.py"), str(folder))
    return folder


@pytest.fixture
def converter(tensorflow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Convert by TensorFlow's Python, not by this one."""
    monkeypatch.setattr(run_converter, "COMMAND", (str(tensorflow), *run_converter.COMMAND[1:]))


@pytest.fixture(scope="session")
def onnx_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have onnx write the models of make_onnx.py, and LiteRT's peer what they compute."""
    folder = tmp_path_factory.mktemp("onnx")
    private_environments.run(private_environments.make("onnx"), HERE / "make_onnx.py", folder)
    return folder


@pytest.fixture(scope="session")
def torch_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have PyTorch write the models of make_torch.py, and what they compute."""
    folder = tmp_path_factory.mktemp("torch")
    private_environments.run(private_environments.make("torch"), HERE / "make_torch.py", folder)
    return folder


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convert by the environments that the command made."""
    monkeypatch.setenv("XIPNET_CACHE", str(private_environments.CACHE))


def run(python: Path, *arguments: str, folder: Path | None = None) -> str:
    """Run a program by TensorFlow's Python; give what it prints."""
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(
        [str(python), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **hidden},
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
