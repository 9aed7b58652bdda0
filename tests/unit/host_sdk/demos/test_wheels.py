"""Files out of a wheel: what is not the pinned one is refused."""

from __future__ import annotations

import subprocess
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from host_sdk.cli.wheel import Wheel
from host_sdk.errors import InputError


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """Put a wheel into a cache of its own."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path)
    path = tmp_path / "wheels" / "small-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as files:
        files.writestr("small/net.tflite", b"network")
    return Wheel("small==1.0", path.name, sha256(path.read_bytes()).hexdigest())


def test_a_file_of_a_wheel_in_the_cache_is_read(wheel: Wheel) -> None:
    said: list[str] = []
    assert wheel.member("small/net.tflite", said.append) == b"network"
    assert said == []
    with pytest.raises(InputError, match=r"small-1.0.* must hold other; does not"):
        wheel.member("other")


def test_another_wheel_is_refused(wheel: Wheel) -> None:
    other = replace(wheel, sha256="00" * 32)
    with pytest.raises(InputError, match=r"must have the SHA-256 00.*delete it"):
        other.member("small/net.tflite")


def test_a_wheel_that_pip_cannot_get_is_said(wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess((), 1, "", "first\nERROR: no network\n")
    monkeypatch.setattr("subprocess.run", lambda *_, **__: failed)
    said: list[str] = []
    missing = replace(wheel, package="small-none==1.0", file="none.whl")
    with pytest.raises(InputError, match=r"pip must download small-none==1.0; ERROR: no network"):
        missing.member("small/net.tflite", said.append)
    assert "small-none==1.0" in said[0]
