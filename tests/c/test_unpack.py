"""Unpack on the board what the host packs; any other bytes do no harm."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import numpy as np
import pytest

from host_sdk.inference.input_codec import ByteLayout, Packer, layout_of, pack
from host_sdk.inference.tensor import Array

pytestmark = pytest.mark.xdist_group("core")


def unpack(built: Path, packed: bytes, size: int, shape: ByteLayout) -> bytes:
    numbers = (size, shape.pixel, shape.row, shape.flip)
    command: list[str | Path] = [built / "unpack_tool", *map(str, numbers)]
    return subprocess.run(command, input=packed, capture_output=True, check=True).stdout


def picture(channels: int) -> Array:
    """Draw a smooth disc on nothing, some noise on it."""
    y, x = np.mgrid[0:24, 0:20]
    disc = np.clip(200 - 3 * ((y - 11) ** 2 + (x - 9) ** 2), 0, 255)
    noise = np.random.default_rng(1).integers(0, 4, (24, 20, channels))
    drawn: Array = (disc[..., None] + noise * (disc[..., None] > 0)).astype(np.uint8)
    return drawn


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_picture_comes_back_and_is_shorter(built: Path, channels: int, dtype: str) -> None:
    flip = 0x80 if dtype == "int8" else 0
    values = (picture(channels) ^ flip).view(dtype)
    data, shape = values.tobytes(), layout_of((1, *values.shape), values.dtype)
    assert shape == ByteLayout(channels, 20 * channels, flip)
    packed = pack(data, shape, len(data))
    assert packed is not None
    assert len(packed) < len(data) / 2
    assert unpack(built, packed, len(data), shape) == data


def test_any_bytes_come_back(built: Path) -> None:
    r = random.Random(5)
    for _ in range(60):
        pixel = r.randrange(1, 5)
        shape = ByteLayout(pixel, pixel * r.randrange(1, 40), r.choice([0, 0x80]))
        empty, most = r.random(), r.choice([0, 128, 255])
        data = bytes(
            r.randrange(256) if r.random() > empty else most for _ in range(r.randrange(400))
        )
        packed = pack(data, shape, 1000)
        assert packed is not None
        assert unpack(built, packed, len(data), shape) == data


def test_hostile_bytes_unpack_to_something(built: Path) -> None:
    r = random.Random(6)
    for _ in range(40):
        shape = ByteLayout(r.choice([1, 3, 500]), r.choice([500, 2**32 - 1]), r.randrange(256))
        packed = r.randbytes(r.randrange(50))
        assert len(unpack(built, packed, 300, shape)) == 300


def test_noise_is_not_packed() -> None:
    data = np.random.default_rng(2).integers(0, 256, 1000, np.uint8).tobytes()
    assert pack(data, ByteLayout(1, 30, 0), len(data)) is None


def test_packing_must_pay() -> None:
    data = bytes(2000)
    packer = Packer(ByteLayout(1, 50, 0))
    assert packer.value(data, None) == data  # who knows how fast the line is
    assert packer.value(data, 1e-7) == data  # a line faster than the board unpacks
    assert isinstance(packer.value(data, 1e-3), list)
