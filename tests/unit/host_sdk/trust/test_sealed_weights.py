"""Weights of their own on a locked board: the seal of their blob covers them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host_sdk import Device, SealError
from host_sdk.errors import WeightsMissingError
from host_sdk.store.files import WEIGHTS, NewObject
from host_sdk.store.upload import commit, stage
from relocatable import separate_weights
from tests.unit.host_sdk.store.test_separate_weights import ONES, OTHER_CODE, whole, write_pair
from tests.unit.host_sdk.trust.test_sealed_uploads import Lockable, locked, sign

__all__ = ["locked"]


def adds_one(device: Device) -> bool:
    x = np.arange(8, dtype=np.int8).reshape(1, 8)
    return np.array_equal(device.infer(x, raw=True), x + 1)


def put_raw(device: Device, name: str, data: bytes = ONES) -> None:
    """Send weights without a seal."""
    commit(device.session, stage(device.session, NewObject(name, data, WEIGHTS)), activate=False)


def test_a_sealed_blob_vouches_for_its_weights(locked: Lockable, key: Path, tmp_path: Path) -> None:
    _, device = locked
    path = write_pair(tmp_path, "adds", whole())
    with pytest.raises(SealError):  # nothing names them
        put_raw(device, "adds.weights")
    sign(key, path)
    loaded = device.load_model(path)  # the blob first, then its weights, then it is active
    assert (loaded.active, loaded.weights_bytes > 0) == (True, True)
    assert adds_one(device)
    assert {o.name: o.sealed for o in device.ls()} == {"adds": True, "adds.weights": False}
    assert device.trust().unsealed == 0
    with pytest.raises(SealError):  # of other bytes
        put_raw(device, "adds.weights", ONES[1:])


def test_they_take_no_other_name(locked: Lockable, key: Path, tmp_path: Path) -> None:
    _, device = locked
    path, script = write_pair(tmp_path, "adds", whole()), tmp_path / "main.py"
    script.write_text("print(1)")
    data = tmp_path / "some.weights"  # that is of another type there
    data.write_bytes(b"other weights, sealed")
    sign(key, path, script)
    device.put(script)
    device.load_model(path)
    for name in ("main.py", "boot.py", "adds", "weights"):
        with pytest.raises(SealError):
            put_raw(device, name)
    assert device.get("main.py") == b"print(1)"
    put_raw(device, "copy.weights")


def test_what_is_active_gets_sealed_weights_first(
    locked: Lockable, key: Path, tmp_path: Path
) -> None:
    _, device = locked
    path = write_pair(tmp_path, "adds", whole())
    sign(key, path)
    device.load_model(path)
    more = b"\1" * 4100
    path = write_pair(tmp_path, "adds", whole(weights=more, more=OTHER_CODE))
    sign(key, path)
    with pytest.raises(WeightsMissingError):  # the blob, which would vouch, cannot come first
        device.load_model(path)
    assert device.model().version == 1
    sign(key, path.with_suffix(".weights.bin"))
    assert device.load_model(path).version == 2
    assert {o.name: o.sealed for o in device.ls()} == {"adds": True, "adds.weights": True}
    assert adds_one(device)


def test_a_locked_board_runs_no_unsealed_blob_of_weights(
    locked: Lockable, key: Path, tmp_path: Path
) -> None:
    _, device = locked
    path = write_pair(tmp_path, "adds", whole())
    with pytest.raises(SealError):
        device.load_model(path)
    assert device.ls() == []


def test_the_counter_of_weights_does_not_hold_up_a_floor(
    lockable: Lockable, key: Path, tmp_path: Path
) -> None:
    _, device = lockable
    device.lock("counted", "gate", [f"{key}.pub"], reads=True)
    path = write_pair(tmp_path, "adds", whole())
    sign(key, path, path.with_suffix(".weights.bin"), "--counter", "3")
    device.load_model(path)
    device.confirm("adds")
    path.write_bytes(separate_weights(whole(more=OTHER_CODE)).blob)
    sign(key, path, "--counter", "4")
    assert device.load_model(path).weights_bytes == 0
    device.confirm("adds")
    assert (device.trust().floor, adds_one(device)) == (4, True)
