"""Records of capsules, whoever wrote them."""

from __future__ import annotations

import random
import struct

import pytest

from host_sdk.capsule.record import CapsuleRecord, in_order, read_record
from host_sdk.errors import InputError

GOOD = struct.pack(
    "<4sHBB32sIIQ3I", b"XNCP", 1, 2, 1, bytes(range(32)), 9, 4, 1 << 40, 3, 0, 2
) + bytes(5)


def test_fields() -> None:
    assert read_record("a.1", GOOD) == CapsuleRecord(
        "a.1", bytes(range(32)), 9, 4, 1 << 40, (bytes(3), b""), (bytes(2),)
    )


@pytest.mark.parametrize("data", [b"", GOOD[:55], GOOD[:60], GOOD[:-1], GOOD + b"x"])
def test_a_wrong_length_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"capsule a\.1: must have"):
        read_record("a.1", data)


@pytest.mark.parametrize(("at", "value"), [(0, 0), (4, 2), (6, 0), (6, 17), (7, 0), (44, 0)])
def test_a_wrong_field_is_refused(at: int, value: int) -> None:
    data = bytearray(GOOD)
    data[at] = value
    with pytest.raises(InputError, match=r"capsule a\.1"):
        read_record("a.1", bytes(data))


def test_whatever_the_bytes_it_reads_or_refuses() -> None:
    rng = random.Random(1)
    for _ in range(2000):
        data = bytearray(GOOD)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            read_record("a", bytes(data[: rng.randrange(len(data) + 1)]))
        except InputError:
            continue


def test_the_oldest_is_first() -> None:
    records = [read_record(f"a.{i}", GOOD[:40] + bytes([i]) + GOOD[41:]) for i in (2, 0, 1)]
    assert [record.sequence for record in in_order(records)] == [0, 1, 2]
