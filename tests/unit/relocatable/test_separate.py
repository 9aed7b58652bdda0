"""Weights out of a blob and back: the same bytes, shared, hostile tables."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from relocatable import compile_model, join_weights, separate_weights
from relocatable.blob.blob import HEADER, OBJECT, VARIANT, Blob, Need
from relocatable.errors import BlobError, WeightsError
from tests.conftest import ROOT
from tests.unit.relocatable.test_blob import BLOB, PACKED, resealed

DIGITS = ROOT / "tests/models/mnist_small_int8.tflite"
WEIGHTS = b"weights"
SEPARATED = separate_weights(PACKED).blob


def edited(at: int, value: int, size: int = 4) -> bytes:
    """Set a field of the separated blob."""
    out = bytearray(SEPARATED)
    out[at : at + size] = value.to_bytes(size, "little")
    return resealed(bytes(out))


def test_out_and_in_again() -> None:
    separated = separate_weights(PACKED)
    assert separated.weights == (WEIGHTS,)  # both programs have these
    blob = Blob.unpack(separated.blob)
    assert blob.needs == (Need(sha256(WEIGHTS).digest(), len(WEIGHTS)),)
    assert [(v.weights, v.weight_bytes, v.need_span) for v in blob.variants] == [
        (b"", 7, (0, 7))
    ] * 2
    assert WEIGHTS not in separated.blob
    assert blob.pack() == separated.blob
    assert join_weights(separated.blob, [b"others", WEIGHTS]) == PACKED
    assert join_weights(PACKED, []) == PACKED
    assert separate_weights(separated.blob).blob == separated.blob


def test_each_program_has_the_weights_it_needs() -> None:
    first, second = BLOB.variants
    blob = replace(BLOB, variants=(first, replace(second, weights=b"others")))
    separated = separate_weights(blob.pack())
    assert separated.weights == (WEIGHTS, b"others")
    assert join_weights(separated.blob, reversed(separated.weights)) == blob.pack()
    with pytest.raises(WeightsError, match=rf"weights of 6 bytes.*{sha256(b'others').hexdigest()}"):
        join_weights(separated.blob, [WEIGHTS, b"Others"])


def test_a_program_without_weights_needs_none() -> None:
    blob = replace(BLOB, variants=tuple(replace(v, weights=b"") for v in BLOB.variants))
    separated = separate_weights(blob.pack())
    assert (separated.blob, separated.weights) == (blob.pack(), ())


OBJECTS = HEADER.unpack_from(SEPARATED)[20]
IN_VARIANT = HEADER.size + VARIANT.size  # of the second program


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (100, 2**31, "objects: must lie in"),
        (100, OBJECTS + 1, "objects: offset must be a multiple of 4"),
        (104, 17, "objects must be 1 to 16; is 17"),
        (104, 0, "objects must be 1 to 16; is 0"),
        (OBJECTS + 32, 0, "object 0: must have at least 1 byte"),
        (OBJECTS + 36, 1, "object 0: reserved field must be 0"),
        (IN_VARIANT + 40, 2, "variant's object must be at most 1; is 2"),
        (IN_VARIANT + 16, 64, "weights must lie 64-aligned in their object of 7 bytes"),
        (IN_VARIANT + 16, 1, "weights must lie 64-aligned in their object of 7 bytes"),
        (IN_VARIANT + 20, 8, "weights must lie .*is 8 bytes at 0"),
        (IN_VARIANT + 20, 2**32 - 1, "weights must lie"),
    ],
)
def test_hostile_needs(at: int, value: int, message: str) -> None:
    with pytest.raises(BlobError, match=message):
        Blob.unpack(edited(at, value))


def test_too_many_objects_are_not_written() -> None:
    needs = [Need(bytes([i] * 32), 64) for i in range(17)]
    variants = tuple(replace(BLOB.variants[0], weights=b"", need=n) for n in needs)
    with pytest.raises(BlobError, match="objects must be 1 to 16; is 17"):
        Blob.unpack(replace(BLOB, variants=variants).pack())
    assert OBJECT.size == 40


def test_what_is_shared_of_a_real_model() -> None:
    """Equal layouts have equal weights: what builds differ in is code."""
    weights = {
        (target, optimize): separate_weights(
            compile_model(DIGITS, target=target, optimize=optimize, golden=False)
        ).weights[0]
        for target in ("cortex-m4", "cortex-m7", "cortex-m33")
        for optimize in ("speed", "ram")
    }
    assert len(set(weights.values())) < len(weights)
    assert weights["cortex-m4", "speed"] == weights["cortex-m7", "speed"]
