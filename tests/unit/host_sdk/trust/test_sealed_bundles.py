"""A board that is locked takes a bundle with its seal alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from host_sdk import Device, KeyFileSigner, SealError, SealFileError
from host_sdk.cli import main
from tests.unit.host_sdk.bundle.test_load_bundle import added, bundle
from tests.unit.host_sdk.scripted_board import ScriptedBoard


def test_a_locked_board_takes_a_sealed_bundle_alone(
    lockable: tuple[ScriptedBoard, Device], key: Path, tmp_path: Path
) -> None:
    device = lockable[1]
    device.lock("locked", "gate", [f"{key}.pub"], reads=True)
    with pytest.raises(SealError, match="no seal"):
        device.load_bundle(bundle(), "faces")
    path = tmp_path / "faces.bundle"
    path.write_bytes(bundle())
    sign = ["sign", str(path), "--key", str(key), "--product", "gate"]
    done = CliRunner().invoke(main, sign)
    assert done.exit_code == 0, done.output
    assert device.load_bundle(path).active
    assert (added(device), device.get("faces/labels")) == (1, b"one\ntwo\n")
    [stored] = device.ls()
    assert (stored.sealed, len(stored.members)) == (True, 4)
    path.write_bytes(bundle(2))
    with pytest.raises(SealFileError, match="over other bytes"):
        device.load_bundle(path)
    signer = KeyFileSigner(key, product="gate", counter=2)
    assert device.load_bundle(bundle(2), "faces", seal=signer).active
    assert added(device) == 2
