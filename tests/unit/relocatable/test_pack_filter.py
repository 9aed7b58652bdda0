"""Every form of a packed filter, read back by docs/SPEC-blob.md section 11."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relocatable.ops._shared.fours import in_fours
from relocatable.steps.pack_filter import FilterBlocks, PackedFilter, packed_forms

Filter = npt.NDArray[Any]
PLAIN = FilterBlocks(outputs=6)


class Reader:
    """Bytes, read from the start."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        self.at += count
        assert self.at <= len(self.data)
        return self.data[self.at - count : self.at]


def codes_of(reader: Reader, count: int, bits: int) -> list[int]:
    packed = np.frombuffer(reader.take(-(-count * bits // 8)), np.uint8)
    digits = np.unpackbits(packed, bitorder="little")[: count * bits].reshape(count, bits)
    return [int(x) for x in digits @ (1 << np.arange(bits))]


def unpacked(form: PackedFilter, blocks: FilterBlocks) -> bytes:
    """Undo a form by the words of the specification."""
    p, reader, made = form.params, Reader(form.make()), b""
    dtype = np.dtype(f"<u{blocks.size}")
    book = np.frombuffer(reader.take(form.start), dtype)
    for _ in range(blocks.count):
        books = [book] * p["channels"]
        if p["book"]:
            books = [np.frombuffer(reader.take(p["book"]), dtype) for _ in books]
        made += reader.take(p["head"])
        if form.function == "xn_unpack_codes":
            runs = [(p["run"], c) for _ in range(p["turns"]) for c in range(p["channels"])]
            runs += [(p["rest"], c) for c in range(p["channels"])]
            values = [books[c][i] for run, c in runs for i in codes_of(reader, run, p["bits"])]
        else:
            bits = np.frombuffer(reader.take(p["map"]), np.uint8)
            kept = np.unpackbits(bits, bitorder="little")[: p["run"]].astype(np.bool_)
            values = [dtype.type(p["fill"])] * p["run"]
            count = int(kept.sum())
            if p["bits"]:
                stored = [book[i] for i in codes_of(reader, count, p["bits"])]
            else:
                stored = list(np.frombuffer(reader.take(count * blocks.size), dtype))
            for i, value in zip(np.flatnonzero(kept), stored, strict=True):
                values[i] = value
        made += pairs(values) if p["is_pairs"] else np.array(values, dtype).tobytes()
        made += reader.take(p["tail"])
    assert reader.at == len(reader.data)
    return made


def pairs(values: list[Any]) -> bytes:
    found = np.array(values, np.uint8).view(np.int8).astype(np.int32).reshape(-1, 2)
    return ((found[:, 0] + 256 * found[:, 1]) & 0xFFFF).astype("<u2").tobytes()


def forms(data: Filter, blocks: FilterBlocks) -> dict[str, PackedFilter]:
    """Check all forms of a filter, by function, bits of a code and kind of books."""
    found = {}
    for form in packed_forms(data, blocks):
        assert len(form.make()) == form.stored_bytes
        kind = f"{form.function[10:]} {form.params['bits']}"
        found[kind + (" by channel" if form.params["book"] else "")] = form
        assert unpacked(form, blocks) == data.tobytes()
    return found


def rows(book: list[int], length: int, outputs: int = 6, seed: int = 1) -> Filter:
    rng = np.random.default_rng(seed)
    made = rng.choice(np.array(book, np.int8), (outputs, length))
    made.reshape(-1)[: len(book)] = book
    return made


@pytest.mark.parametrize(
    ("values", "bits"), [(1, 2), (4, 2), (5, 4), (16, 4), (17, None), (200, None)]
)
def test_codes_are_as_short_as_the_values_allow(values: int, bits: int | None) -> None:
    found = forms(rows(list(range(-100, -100 + values)), 57), PLAIN)
    assert {kind for kind in found if kind.startswith("codes") and "by" not in kind} == (
        {f"codes {bits}"} if bits else set()
    )


def test_seventeen_values_have_codebooks_of_channels() -> None:
    made = np.concatenate([rows(list(range(c, c + 16)), 57, 1) for c in range(6)])
    assert "codes 4 by channel" in forms(made, PLAIN)


def test_half_zeros_take_five_eighths() -> None:
    rng = np.random.default_rng(2)
    made = rng.integers(1, 127, (6, 160)).astype(np.int8)
    made[:, ::2] = 0
    assert forms(made, PLAIN)["sparse 0"].stored_bytes == 6 * (160 // 8 + 80)


def test_a_channel_of_odd_length_begins_with_a_byte() -> None:
    made = np.concatenate([rows([c, c + 1, c + 2], 5, 1) for c in range(6)])
    form = forms(made, PLAIN)["codes 2 by channel"]
    assert form.stored_bytes == 6 * (3 + 2)


def test_values_of_channels_that_are_not_there_do_not_count() -> None:
    made = np.vstack([rows(list(range(1, 17)), 40, 5), np.zeros((3, 40), np.int8)])
    blocks = FilterBlocks(outputs=5, channels=4, run=16)
    data = in_fours(made[:5], 16)
    [form] = [
        f for f in packed_forms(data, blocks) if f.params["bits"] == 4 and not f.params["map"]
    ][:1]
    got = np.frombuffer(unpacked(form, blocks), np.int8).reshape(data.shape)
    assert np.array_equal(got[0], data[0])


@pytest.mark.parametrize("size", [2, 4])
def test_values_of_several_bytes(size: int) -> None:
    rng = np.random.default_rng(3)
    book = rng.integers(0, 1 << 8 * size, 200, np.uint64).astype(f"<u{size}")
    data = rng.choice(book, (6, 70))
    assert set(forms(data, FilterBlocks(6, size=size))) >= {"codes 8", "sparse 0"}


@given(st.data())
def test_every_layout(data: st.DataObject) -> None:
    channels = data.draw(st.sampled_from([1, 2, 4]))
    count, each = data.draw(st.integers(1, 4)), 4 * data.draw(st.integers(1, 9))
    run = data.draw(st.sampled_from([0, 4, 16]))
    is_pairs = data.draw(st.booleans())
    blocks = FilterBlocks(
        outputs=count * channels,
        channels=channels,
        run=run,
        head=4 * data.draw(st.integers(0, 2)),
        tail=4 * data.draw(st.integers(0, 2)),
        is_pairs=is_pairs,
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    book = rng.integers(-127, 128, data.draw(st.sampled_from([1, 3, 16, 40]))).astype(np.int8)
    values = rng.choice(book, (count, channels * each)).view(np.uint8)
    ends = rng.integers(0, 256, (count, blocks.head + blocks.tail), np.uint8)
    body = np.frombuffer(b"".join(pairs(list(row)) for row in values), np.uint8)
    weights = body.reshape(values.shape) if is_pairs else values
    forms(np.hstack([ends[:, : blocks.head], weights, ends[:, blocks.head :]]), blocks)
