"""Maps of FlexBuffers, whole and damaged."""

from __future__ import annotations

import numpy as np
import pytest
from flatbuffers import flexbuffers

from relocatable.graph.flexbuffers import FlexBufferError, read_numbers


def written(**entries: object) -> bytes:
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, value in entries.items():
            builder.Key(key)
            builder.Add(value)
    return bytes(builder.Finish())


def test_numbers_of_every_width() -> None:
    numbers = {"a": 1, "b": -300, "c": 70_000, "d": True, "e": False, "f": 0.5, "g": 1 << 40}
    assert read_numbers(written(**numbers)) == numbers
    assert read_numbers(written(small=3, other=4)) == {"small": 3, "other": 4}
    assert read_numbers(written()) == {}


def test_indirect_numbers() -> None:
    builder = flexbuffers.Builder()
    with builder.Map():
        builder.Key("a")
        builder.IndirectInt(7)
        builder.Key("b")
        builder.IndirectFloat(0.25)
    assert read_numbers(bytes(builder.Finish())) == {"a": 7, "b": 0.25}


def test_other_types_are_left_out() -> None:
    assert read_numbers(written(a="text", b=[1, 2], c=3)) == {"c": 3}


@pytest.mark.parametrize("data", [b"", b"\1", b"\0\4\1", b"\0\x24\3", b"\xff\xff\x24\2"])
def test_bytes_that_are_no_map(data: bytes) -> None:
    with pytest.raises(FlexBufferError):
        read_numbers(data)


def test_damage_is_read_or_refused() -> None:
    rng = np.random.default_rng(3)
    whole = np.frombuffer(written(first=1, second=2.5, third=True, fourth=1 << 33), np.uint8)
    refused = 0
    for _ in range(3000):
        damaged = whole[: int(rng.integers(0, len(whole) + 1))].copy()
        for at in rng.integers(0, max(1, len(damaged)), int(rng.integers(0, 4))):
            damaged[at : at + 1] = rng.integers(0, 256)
        try:
            read_numbers(damaged.tobytes())
        except FlexBufferError:
            refused += 1
    assert refused > 1000
