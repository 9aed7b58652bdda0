"""The blob's bytes: round trip, refusals, and no crash on any damage."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relocatable.blob.blob import Blob, Entry, Golden, Io, State, Variant, golden_inputs, is_blob
from relocatable.blob.metadata import check_metadata
from relocatable.errors import BlobError
from tests.conftest import ROOT

VARIANT = Variant(1, 81, 3, b"\x70\x47\x70\x47", b"weights", (0, 2), 64, 32)
BLOB = Blob(
    variants=(VARIANT, replace(VARIANT, level=70, features=1, code=b"\x70\x47" * 40)),
    inputs=(Io(0, 16),),
    outputs=(Io(16, 10), Io(32, 4)),
    entries=(Entry(0, 1), Entry(1, 1, 1, 1, 32, 32)),
    metadata={"name": "tiny", "labels": ["coin"], "tool": "test"},
    golden=Golden(outputs=bytes(14), seed=7),
    state=State(48, 16, 1, 1),
)
PACKED = BLOB.pack()
OLD = ROOT / "tests/models/shade3_format_1_0.blob"  # of release 0.1


def resealed(data: bytes) -> bytes:
    """Seal bytes with a matching length and SHA-256: only deeper checks can refuse."""
    body = data[40:]
    return data[:4] + struct.pack("<I", len(data)) + hashlib.sha256(body).digest() + body


def test_round_trip() -> None:
    blob = Blob.unpack(PACKED)
    assert blob.pack() == PACKED
    assert blob == replace(
        BLOB, sha256=blob.sha256, metadata_span=blob.metadata_span, details_bytes=blob.details_bytes
    )
    assert is_blob(PACKED)
    assert len(PACKED) % 64 == 0


def test_weights_stay_in_place_when_code_and_labels_change() -> None:
    variants = tuple(replace(v, code=v.code * 9) for v in BLOB.variants)
    other = replace(BLOB, variants=variants, metadata={"name": "other", "labels": ["a"] * 50})
    assert PACKED.index(b"weights") == other.pack().index(b"weights")
    assert PACKED.count(b"weights") == 1


@pytest.mark.parametrize("size", [0, 1, 39, 40, 127, 128, len(PACKED) - 1])
def test_truncated(size: int) -> None:
    with pytest.raises(BlobError, match="must"):
        Blob.unpack(PACKED[:size])


def test_refusals_name_the_rule_and_the_value() -> None:
    with pytest.raises(BlobError, match=r"must start with 'XPNB'; is b'GIF8'"):
        Blob.unpack(b"GIF8" + PACKED[4:])
    with pytest.raises(BlobError, match="SHA-256 must be"):
        Blob.unpack(PACKED[:200] + b"\xff" + PACKED[201:])
    newer = PACKED[:42] + b"\x01" + PACKED[43:]
    with pytest.raises(BlobError, match=r"format must be 2\.0 or 1\.0; is 2\.1"):
        Blob.unpack(resealed(newer))


@given(at=st.integers(40, len(PACKED) - 1), value=st.integers(0, 255))
def test_any_changed_byte_is_refused(at: int, value: int) -> None:
    damaged = bytearray(PACKED)
    damaged[at] = value
    if bytes(damaged) != PACKED:
        with pytest.raises(BlobError):
            Blob.unpack(bytes(damaged))


@given(
    edits=st.lists(
        st.tuples(st.integers(40, len(PACKED) - 4), st.integers(0, 2**32 - 1)), max_size=4
    )
)
def test_resealed_damage_never_crashes(edits: list[tuple[int, int]]) -> None:
    damaged = bytearray(PACKED)
    for at, value in edits:
        struct.pack_into("<I", damaged, at, value)
    try:
        blob = Blob.unpack(resealed(bytes(damaged)))
    except BlobError:
        return
    for v in blob.variants:
        assert all(step < len(v.code) for step in v.steps)
    for io in (*blob.inputs, *blob.outputs):
        assert io.arena_offset + io.size_bytes <= min(v.arena_bytes for v in blob.variants)


def test_golden_inputs_are_xorshift32() -> None:
    # First states of xorshift32 from seed 1 (Marsaglia 2003, the triple 13, 17, 5).
    states = [270369, 67634689, 2647435461, 307599695]
    assert golden_inputs(1, 4) == bytes(s >> 24 for s in states)


def test_golden_floats_are_the_top_24_bits() -> None:
    made = np.frombuffer(golden_inputs(1, 8, floats=True), "<f4")
    assert made.tolist() == [(270369 >> 8) / 2**24, (67634689 >> 8) / 2**24]


@pytest.mark.parametrize(
    "golden",
    [
        Golden(bytes(14), inputs=bytes(16)),
        Golden(bytes(42), inputs=bytes(48), runs=3),
        Golden(bytes(42), seed=1, runs=3),
        Golden(bytes(32), seed=1, floats=True, hashed=True),
        Golden(bytes(32), seed=1, runs=65535, hashed=True),
    ],
)
def test_golden_vectors_of_every_kind_are_read_as_written(golden: Golden) -> None:
    assert Blob.unpack(replace(BLOB, golden=golden).pack()).golden == golden


def edited(at: int, value: int, size: int = 4) -> bytes:
    return resealed(PACKED[:at] + value.to_bytes(size, "little") + PACKED[at + size :])


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (88, 0, r"details: must lie in .* at 0"),
        (96, 0, "details must have 1 to 16777216 bytes; is 0"),
        (96, 2**24 + 1, "details must have 1 to 16777216 bytes; is 16777217"),
        (96, 5, "details must inflate to 5 bytes"),
        (100, 64, "objects must be 1 to 16; is 0"),
        (104, 1, r"objects: must lie in \[128, 704\); is 40 bytes at 0"),
        (104, 17, "objects must be 1 to 16; is 17"),
        (108, 8, "state: must lie 16-aligned"),
        (112, 32, "state: must lie 16-aligned in the arena of 64 bytes; is 32 bytes at 48"),
        (120, 2, r"reset's steps must lie in \[0, 2\]"),
        (124, 1, "reserved field must be 0"),
        (128 + 40, 1, "variant's object must be at most 0; is 1"),
        (128 + 44, 7, "variant's reserved bytes must be 0"),
    ],
)
def test_what_2_0_added_has_rules(at: int, value: int, message: str) -> None:
    with pytest.raises(BlobError, match=message):
        Blob.unpack(edited(at, value))


def test_format_1_0_has_none_of_it() -> None:
    with pytest.raises(BlobError, match=r"bytes \[88, 128\) of format 1.0 must be 0"):
        Blob.unpack(edited(40, 1, 2))


def test_a_blob_of_format_1_0_is_read() -> None:
    blob = Blob.unpack(OLD.read_bytes())
    metadata = check_metadata(blob)
    assert metadata["inputs"] == [
        {
            "name": "serving_default_picture:0",
            "shape": [1, 8, 8, 1],
            "dtype": "uint8",
            "scale": 0.003921568859368563,
            "zero_point": 0,
            "tensor": 0,
        }
    ]
    assert [port["tensor"] for port in metadata["outputs"]] == [3]
    assert (blob.details_bytes, blob.state) == (0, None)
    assert Blob.unpack(blob.pack()).metadata == blob.metadata
