"""The plan of the patches: which known bytes, or zeros, are patched. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from host_sdk.store.patch import BLOCK_BYTES, block_bits, make_patch
from host_sdk.store.pieces import COPY_BYTES, UNIT_BYTES, ZEROS, KnownBytes, Piece, Span

_REQUEST_BYTES = 60  # on the wire around a piece's data, the reply with it
_POOR_PATCH = 8  # a patch of more than 1/8 of its piece: look for better
_LEAST_BYTES = 1024  # of a piece that is not halved any more
_WORTH_PATCHING = 0.95  # of the bytes: a patch costs the board work


def plan_patches(
    new: bytes, missing: Iterable[Span], known: KnownBytes | None, room: int
) -> Iterator[Piece]:
    """Plan pieces made of known bytes, or of zeros if that is shorter.

    Args:
        new: the whole new object.
        missing: what the board lacks, in units.
        known: bytes that the board holds; None: there are none.
        room: bytes of data that a request can carry.
    """
    parts = (part for span in missing for part in span.parts())
    return _join_copies(
        way.piece() for part in parts for way in _PatchChoice(new, part, known, room)
    )


@dataclass(frozen=True)
class _Way:
    """One way to bring a span: its bytes on the wire, and its piece, made when chosen."""

    data_bytes: int
    piece: Callable[[], Piece]


class _PatchChoice:
    """The ways to bring a part of the new object, together the shortest on the wire.

    Args:
        new: the whole new object.
        part: of it, at most COPY_BYTES.
        known: bytes that the board holds; None: there are none.
        room: bytes of data that a request can carry.
    """

    def __init__(self, new: bytes, part: Span, known: KnownBytes | None, room: int) -> None:
        self._new, self._part, self._known, self._room = new, part, known, room
        wanted = new[part.start : part.end]
        self._zeros_bits = _running_sum(block_bits(bytes(len(wanted)), wanted))
        # Of the known bytes at the same offset, as far as they reach.
        shared = 0
        if known is not None:
            shared = max(0, min(len(known.data) - part.start, part.size))
            if shared < part.size:
                shared = shared // BLOCK_BYTES * BLOCK_BYTES
        kept = known.data[part.start : part.start + shared] if known is not None else b""
        self._shared_end = part.start + shared
        self._shared_bits = _running_sum(block_bits(kept, wanted[:shared]))

    def __iter__(self) -> Iterator[_Way]:
        return iter(self._cheapest(self._part))

    def _cheapest(self, span: Span) -> list[_Way]:
        """Take one way, or those of the two halves if that is less on the wire."""
        whole = self._shortest(span)
        if span.size <= _LEAST_BYTES or not _is_poor(whole, span):
            return [whole]
        middle = span.start + (span.size // 2 + UNIT_BYTES - 1) // UNIT_BYTES * UNIT_BYTES
        halves = [
            *self._cheapest(Span(span.start, middle)),
            *self._cheapest(Span(middle, span.end)),
        ]
        return halves if self._cost(halves) < self._cost([whole]) else [whole]

    def _cost(self, ways: Sequence[_Way]) -> int:
        return sum(
            way.data_bytes + _REQUEST_BYTES * max(1, -(-way.data_bytes // self._room))
            for way in ways
        )

    def _shortest(self, span: Span) -> _Way:
        ways = self._patches(span)
        if not any(way.data_bytes < span.size // 2 for way in ways):
            ways.append(_Way(self._patch_bytes(self._zeros_bits, span), lambda: self._filled(span)))
        most = min(self._room, int(span.size * _WORTH_PATCHING))
        ways = [way for way in ways if way.data_bytes <= most]
        ways.append(_Way(span.size, lambda: Piece.plain(self._new, span)))
        return min(ways, key=lambda way: way.data_bytes)

    def _patches(self, span: Span) -> list[_Way]:
        """Weigh patches of known bytes, at the same offset and of similar ones elsewhere."""
        known, ways = self._known, list[_Way]()
        if known is None:
            return ways
        if span.end <= self._shared_end:
            data_bytes = self._patch_bytes(self._shared_bits, span)
            ways.append(_Way(data_bytes, lambda: self._patch(span, known, span.start)))
        if not ways or _is_poor(ways[0], span):
            wanted = self._new[span.start : span.end]
            found = known.find(wanted)
            if found is not None and found != span.start:
                start = found
                bits = _running_sum(block_bits(known.data[start : start + span.size], wanted))
                data_bytes = _patch_bytes(bits, 0, len(bits) - 1)
                ways.append(_Way(data_bytes, lambda: self._patch(span, known, start)))
        return ways

    def _patch_bytes(self, bits: list[int], span: Span) -> int:
        first = (span.start - self._part.start) // BLOCK_BYTES
        return _patch_bytes(bits, first, first + -(-span.size // BLOCK_BYTES))

    def _patch(self, span: Span, known: KnownBytes, start: int) -> Piece:
        kept = known.data[start : start + span.size]
        wanted = self._new[span.start : span.end]
        patch = b"" if kept == wanted else make_patch(kept, wanted)
        return Piece(span.start, span.size, known.at + start, patch)

    def _filled(self, span: Span) -> Piece:
        patch = make_patch(bytes(span.size), self._new[span.start : span.end])
        return Piece(span.start, span.size, ZEROS, patch)


def _running_sum(bits: npt.NDArray[np.int64]) -> list[int]:
    return [0, *np.cumsum(bits).tolist()]


def _patch_bytes(bits: list[int], first: int, end: int) -> int:
    """Give the size of a patch of some blocks, from the running sum of their bits."""
    return -(-(bits[end] - bits[first]) // 8)


def _is_poor(way: _Way, span: Span) -> bool:
    return way.data_bytes * _POOR_PATCH > span.size


def _join_copies(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours that one copy can bring."""
    last: Piece | None = None
    for piece in pieces:
        if last is not None:
            size = last.size + piece.size
            if (
                last.at is not None
                and last.at + last.size == piece.at
                and last.offset + last.size == piece.offset
                and not last.data + piece.data
                and size <= COPY_BYTES
            ):
                piece = Piece(last.offset, size, last.at)
            else:
                yield last
        last = piece
    if last is not None:
        yield last
