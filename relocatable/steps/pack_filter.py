"""Pack a filter: codes into codebooks, or a map of what is stored.

A kernel reads its filter in blocks of output channels; the packed one is a sequence of the same
blocks (docs/SPEC-blob.md section 11), which ops/_shared/unpack_codes.c and unpack_sparse.c undo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.unsignedinteger]
_BITS = (2, 4, 8)
# Bytes before the head and behind it of a block.
Parts = Callable[[int], tuple[bytes, bytes]]
_MOST_TURNS = 0xFFFF
_FIRST = 4096
_MAP_ALIGN = 4  # bytes, if values wider than a byte follow as they are


@dataclass(frozen=True)
class FilterBlocks:
    """The way a kernel reads its filter, the weights of key "filter".

    Attributes:
        outputs: output channels of the layer.
        channels: output channels of a block; those that are not there have any weights.
        run: values of one channel, before those of the block's next one; 0: all of them.
        size: bytes of a value.
        head, tail: bytes before and behind the weights of a block.
        is_pairs: bytes a, b are stored as the 16-bit value a + 256 * b.
        repeats: instructions that it costs to make channels in one more call.
    """

    outputs: int
    channels: int = 1
    run: int = 0
    size: int = 1
    head: int = 0
    tail: int = 0
    is_pairs: bool = False
    repeats: int = 0

    @property
    def count(self) -> int:
        """Number of the blocks."""
        return -(-self.outputs // self.channels)


@dataclass(frozen=True, eq=False)
class PackedFilter:
    """A way to store a filter.

    Attributes:
        function: the kernel that unpacks it, a template by the size of values.
        params: fields of xn_packed.
        stored_bytes: what it takes.
        make: makes the bytes.
        size: bytes of a value.
        start: where the first block begins, behind the codebook of all.
        values: that are unpacked.
    """

    function: str
    params: Mapping[str, int]
    stored_bytes: int
    make: Callable[[], bytes]
    size: int
    start: int
    values: int


def packed_forms(data: npt.NDArray[np.generic], blocks: FilterBlocks) -> Iterator[PackedFilter]:
    """Yield the ways in which a filter can be stored without loss.

    Args:
        data: the filter as its kernel reads it.
        blocks: how it does.
    """
    filter_ = _Filter(data, blocks)
    yield from filter_.with_one_book()
    if blocks.size == 1:  # a book within the stream is not aligned
        yield from filter_.with_books_of_channels()
    yield from filter_.sparse()


class _Filter:
    def __init__(self, data: npt.NDArray[np.generic], blocks: FilterBlocks) -> None:
        raw = np.ascontiguousarray(data).reshape(-1).view(np.uint8).reshape(blocks.count, -1)
        end = raw.shape[1] - blocks.tail
        self.blocks = blocks
        self.head, self.tail = raw[:, : blocks.head], raw[:, end:]
        body = np.ascontiguousarray(raw[:, blocks.head : end])
        if blocks.is_pairs:
            body = _bytes_of_pairs(body)
        self.body: Values = body.view(f"<u{blocks.size}")
        self.count = self.body.shape[1]
        each = self.count // blocks.channels
        self.run = blocks.run or each
        self.turns, self.rest = divmod(each, self.run)
        self.channel = self._channels()
        self.there = np.ones(self.body.shape, np.bool_)
        self.there[-1] = self.channel < blocks.outputs - (blocks.count - 1) * blocks.channels
        self.fixed = (blocks.head + blocks.tail) * blocks.count

    def _channels(self) -> npt.NDArray[np.intp]:
        """Find the channel, within its block, of each value."""
        order = np.arange(self.blocks.channels)
        parts = (np.tile(np.repeat(order, self.run), self.turns), np.repeat(order, self.rest))
        return np.concatenate(parts)

    def params(self, **fields: int) -> dict[str, int]:
        blocks = self.blocks
        given = {"head": blocks.head, "tail": blocks.tail, "is_pairs": int(blocks.is_pairs)}
        one_run = {"channels": 1, "turns": 1, "run": self.count, "rest": 0}
        plain = {"bits": 0, "book": 0, "map": 0, "fill": 0}
        return {**given, **one_run, **plain, **fields}

    def form(
        self, function: str, params: dict[str, int], block_bytes: int, book: Values, parts: Parts
    ) -> PackedFilter:
        start = -(-book.nbytes // 4) * 4

        def make() -> bytes:
            made = [book.tobytes() + bytes(start - book.nbytes)]
            for block in range(self.blocks.count):
                before, behind = parts(block)
                made += [before, self.head[block].tobytes(), behind, self.tail[block].tobytes()]
            return b"".join(made)

        stored = start + self.blocks.count * block_bytes + self.fixed
        return PackedFilter(function, params, stored, make, self.blocks.size, start, self.body.size)

    def with_one_book(self) -> Iterator[PackedFilter]:
        book = _distinct(self.body[self.there], 16 if self.blocks.size == 1 else 256)
        if book is None:
            return
        bits = _bits_for(len(book), self.blocks.size)
        params = self.params(bits=bits)

        def parts(block: int) -> tuple[bytes, bytes]:
            found = np.searchsorted(book, self.body[block])
            return b"", _packed_codes(np.where(self.there[block], found, 0), bits)

        yield self.form("xn_unpack_codes", params, -(-self.count * bits // 8), book, parts)

    def with_books_of_channels(self) -> Iterator[PackedFilter]:
        channels = self.blocks.channels
        books: list[list[Values]] = []
        for row, present in zip(self.body, self.there, strict=True):
            books.append([])
            for c in range(channels):
                book = _distinct(row[present & (self.channel == c)], 16)
                if book is None or self.turns > _MOST_TURNS:
                    return
                books[-1].append(book)
        most = max(len(book) for row in books for book in row)
        bits = _bits_for(most, self.blocks.size)
        params = self.params(
            channels=channels,
            turns=self.turns,
            run=self.run,
            rest=self.rest,
            bits=bits,
            book=most,
        )
        runs = [self.run] * (self.turns * channels) + [self.rest] * channels
        ends = np.cumsum(runs)
        size = channels * most + sum(-(-run * bits // 8) for run in runs)

        def parts(block: int) -> tuple[bytes, bytes]:
            book = b"".join(b.tobytes().ljust(most, b"\0") for b in books[block])
            codes = np.zeros(self.count, np.intp)
            for c, own in enumerate(books[block]):
                if len(own):
                    at = self.channel == c
                    codes[at] = np.minimum(np.searchsorted(own, self.body[block, at]), len(own) - 1)
            split = zip(ends - runs, ends, strict=True)
            return book, b"".join(_packed_codes(codes[a:b], bits) for a, b in split)

        yield self.form("xn_unpack_codes", params, size, np.zeros(0, self.body.dtype), parts)

    def sparse(self) -> Iterator[PackedFilter]:
        fill = 0
        if self.blocks.size == 1:
            fill = int(np.bincount(self.body[self.there], minlength=256).argmax())
        there = self.there & (self.body != fill)
        found = _distinct(self.body[there], 16 if self.blocks.size == 1 else 256)
        book = np.zeros(0, self.body.dtype) if found is None else found
        for bits in (0,) if found is None else (0, _bits_for(len(book), self.blocks.size)):
            align = _MAP_ALIGN if bits == 0 and self.blocks.size > 1 else 1
            map_bytes = -(-self.count // (8 * align)) * align
            params = self.params(bits=bits, map=map_bytes, fill=fill)
            stored = there.sum(axis=1)
            sizes = -(-stored * bits // 8) if bits else stored * self.blocks.size
            total = int(sizes.sum()) + map_bytes * self.blocks.count

            def parts(
                block: int, bits: int = bits, map_bytes: int = map_bytes
            ) -> tuple[bytes, bytes]:
                flags = (
                    np.packbits(there[block], bitorder="little").tobytes().ljust(map_bytes, b"\0")
                )
                kept = self.body[block, there[block]]
                coded = _packed_codes(np.searchsorted(book, kept), bits) if bits else kept.tobytes()
                return b"", flags + coded

            own = book if bits else book[:0]
            form = self.form("xn_unpack_sparse", params, 0, own, parts)
            yield replace(form, stored_bytes=form.stored_bytes + total)


def _distinct(values: Values, most: int) -> Values | None:
    """Sort the different ones of some values; None if they are too many."""
    if values.dtype == np.uint8:
        found: Values = np.flatnonzero(np.bincount(values, minlength=256)).astype(np.uint8)
        return found if len(found) <= most else None
    if len(np.unique(values[:_FIRST])) > most:  # all of them are not sorted for nothing
        return None
    found = np.unique(values)
    return found if len(found) <= most else None


def _bits_for(values: int, size: int) -> int:
    """Find the bits of a code."""
    return next(bits for bits in _BITS if values <= 1 << bits and bits < 8 * size)


def _packed_codes(codes: npt.NDArray[np.intp], bits: int) -> bytes:
    each = 8 // bits
    whole = np.pad(codes, (0, -len(codes) % each)).reshape(-1, each)
    joined = (whole << (bits * np.arange(each))).sum(axis=1).astype(np.uint8)
    return bytes(joined)


def _bytes_of_pairs(body: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    pairs = body.view("<i2").astype(np.int32)
    low = ((pairs & 0xFF) ^ 0x80) - 0x80
    both = np.stack([low, (pairs - low) >> 8], axis=-1)
    return (both & 0xFF).astype(np.uint8).reshape(len(body), -1)
