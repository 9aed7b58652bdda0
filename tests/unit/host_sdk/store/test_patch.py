from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_sdk.store.patch import BLOCK_BYTES, apply_patch, block_bits, make_patch


@given(st.binary(max_size=1200), st.data())
def test_a_patch_makes_the_new_bytes(old: bytes, data: st.DataObject) -> None:
    new = bytearray(old)
    if old:
        places = st.integers(0, len(old) - 1)
        for at in data.draw(st.lists(places, max_size=40)):
            new[at] = data.draw(st.integers(0, 255))
    assert apply_patch(old, make_patch(old, bytes(new))) == bytes(new)


@pytest.mark.parametrize("part", [0.0, 0.001, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("size", [1, 255, 256, 257, 4096, 5000])
def test_any_part_of_the_bytes_may_change(part: float, size: int) -> None:
    rng = random.Random(size)
    old = rng.randbytes(size)
    new = bytes(rng.randrange(256) if rng.random() < part else b for b in old)
    patch = make_patch(old, new)
    assert apply_patch(old, patch) == new
    assert len(patch) <= size + size // BLOCK_BYTES + 1


def test_no_change_takes_half_a_byte_a_block() -> None:
    assert make_patch(b"same" * 100, b"same" * 100) == b"\xff"


@given(st.integers(1, 1200), st.integers(0, 40), st.randoms(use_true_random=False))
def test_the_bits_of_the_blocks_are_known_before(size: int, moved: int, rng: random.Random) -> None:
    old = rng.randbytes(size)
    new = bytearray(old)
    for _ in range(moved):
        new[rng.randrange(size)] = rng.randrange(256)
    bits = block_bits(old, bytes(new))
    assert len(bits) == -(-size // BLOCK_BYTES)
    assert len(make_patch(old, bytes(new))) == -(-int(bits.sum()) // 8)


def test_weights_that_moved_by_one_cost_about_a_byte_each() -> None:
    rng = random.Random(1)
    old = rng.randbytes(65536)
    moved = rng.sample(range(len(old)), len(old) // 20)
    new = bytearray(old)
    for at in moved:
        new[at] = (new[at] + rng.choice([-1, 1])) % 256
    assert len(make_patch(old, bytes(new))) < 1.15 * len(moved)


def test_zeros_are_patched_to_what_has_many_zeros_in_a_tenth() -> None:
    rng = random.Random(1)
    new = bytes(rng.choice([0] * 30 + [1, 255]) for _ in range(8192))
    assert len(make_patch(bytes(8192), new)) < 820


def test_only_equal_lengths() -> None:
    with pytest.raises(ValueError, match="from 3 to 4"):
        make_patch(b"abc", b"abcd")


@given(st.binary(min_size=1, max_size=300), st.binary(min_size=1, max_size=700))
def test_any_bytes_are_a_patch_or_refused(patch: bytes, old: bytes) -> None:
    try:
        new = apply_patch(old, patch)
    except ValueError:
        return
    assert len(new) == len(old)


def test_a_patch_that_ends_early_is_refused() -> None:
    old = bytes(1024)
    patch = make_patch(old, b"\1" * 1024)
    for cut in range(1, len(patch) - 1):
        with pytest.raises(ValueError, match="ends before"):
            apply_patch(old, patch[:cut])
