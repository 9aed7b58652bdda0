"""How new bytes come to a board that holds similar ones: what to copy, patch, send. No I/O.

A piece is made of bytes that the board holds, of changes of these, or of sent bytes, whichever is
the shortest on the wire. Pieces cover what is wanted without gaps or overlaps. They are planned
while earlier ones are sent, some 16 KB at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from host_sdk.link.values import Value
from host_sdk.store.patch import BLOCK_BYTES, block_bits, make_patch

UNIT_BYTES = 256  # offsets and sizes of pieces are multiples, but for the end
COPY_BYTES = 16384  # of one request: the board answers nothing else meanwhile
ZEROS = 0xFFFFFFFF  # in the place of an offset: patch zeros

_REQUEST_BYTES = 60  # on the wire around a piece's data, the reply with it
_ANCHOR_BYTES = 32
_ANCHOR_STEP = 2  # of code: it moves by whole instructions
_POOR_PATCH = 8  # a patch of more than 1/8 of its piece: look for better
_LEAST_BYTES = 1024  # of a piece that is not halved any more
_WORTH_PATCHING = 0.95  # of the bytes: a patch costs the board work


@dataclass(frozen=True)
class Span:
    """Bytes [start, end) of the new object."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start


@dataclass(frozen=True)
class Piece:
    """Brings the new object's bytes [offset, offset + size).

    One request, but for bytes that are sent as they are: those may be cut or joined at will.

    Attributes:
        offset: within the new object.
        size: bytes of the new object.
        at: flash offset of old bytes, ZEROS, or None: `data` is sent.
        data: what is sent: new bytes, or the patch of old ones, empty to copy them.
    """

    offset: int
    size: int
    at: int | None = None
    data: bytes = b""

    def request(self, session: int) -> tuple[str, tuple[Value, ...]]:
        """Method and parameters of the wire."""
        if self.at is None:
            return "put_data", (session, self.offset, self.data)
        if not self.data:
            return "put_copy", (session, self.offset, self.at, self.size)
        return "put_patch", (session, self.offset, self.at, self.size, self.data)


@dataclass(frozen=True)
class Old:
    """Bytes that the board holds and this computer knows.

    Attributes:
        at: flash offset.
        data: the bytes.
    """

    at: int
    data: bytes
    _anchors: dict[bytes, int] = field(default_factory=dict, repr=False)

    def find(self, wanted: bytes) -> int | None:
        """Where in the old bytes something like `wanted` begins; None: nowhere."""
        if not self._anchors:
            for i in range(0, len(self.data) - _ANCHOR_BYTES + 1, _ANCHOR_BYTES):
                self._anchors.setdefault(self.data[i : i + _ANCHOR_BYTES], i)
        votes: Counter[int] = Counter()
        for i in range(0, len(wanted) - _ANCHOR_BYTES + 1, _ANCHOR_STEP):
            found = self._anchors.get(wanted[i : i + _ANCHOR_BYTES])
            if found is not None and 0 <= found - i <= len(self.data) - len(wanted):
                votes[found - i] += 1
        return votes.most_common(1)[0][0] if votes else None

    def likeness(self, new: bytes) -> float:
        """The part of the new bytes that is the same at the same offset, 0..1."""
        n = min(len(self.data), len(new))
        same = np.frombuffer(self.data, np.uint8, n) == np.frombuffer(new, np.uint8, n)
        return float(np.count_nonzero(same)) / max(len(new), 1)


def plan_patches(new: bytes, wanted: Iterable[Span], old: Old | None, room: int) -> Iterator[Piece]:
    """Pieces made of known old bytes, or of zeros where that is shorter.

    Args:
        new: the whole new object.
        wanted: what the board lacks, in units.
        old: bytes that the board holds; None: there are none.
        room: bytes of data that a request can carry.
    """
    parts = (part for span in wanted for part in _parts(span))
    return _join_copies(way.piece() for part in parts for way in _Choice(new, part, old, room))


def plan_copies(
    new: bytes, wanted: Iterable[Span], held: dict[int, int], room: int, packed: bool
) -> Iterator[Piece]:
    """Pieces made of blocks whose hashes matched; the rest is sent.

    Args:
        new: the whole new object.
        wanted: what the board lacks, in units.
        held: offset of a unit in the new object -> flash offset of the same bytes.
        room: bytes of data that a request can carry.
        packed: send the rest as patches of zeros, where that is shorter.
    """
    for span in wanted:
        for run, at in _runs(span, held):
            if at is None and packed:
                yield from plan_patches(new, [run], None, room)
                continue
            for part in _parts(run):
                if at is None:
                    yield _sent(new, part)
                else:
                    yield Piece(part.start, part.size, at + part.start - run.start)


def _parts(span: Span) -> Iterator[Span]:
    for start in range(span.start, span.end, COPY_BYTES):
        yield Span(start, min(start + COPY_BYTES, span.end))


def _sent(new: bytes, span: Span) -> Piece:
    return Piece(span.start, span.size, None, new[span.start : span.end])


def without(total: int, right: Iterable[Span]) -> list[Span]:
    """What is left of [0, total) without spans that do not overlap."""
    left, at = [], 0
    for span in sorted(right, key=lambda s: s.start):
        if span.start > at:
            left.append(Span(at, span.start))
        at = span.end
    return [*left, Span(at, total)] if at < total else left


def _runs(span: Span, held: dict[int, int]) -> Iterator[tuple[Span, int | None]]:
    """Parts of a span that are one copy each, or (None) unknown to the board."""
    start, first = span.start, held.get(span.start)
    for at in range(span.start + UNIT_BYTES, span.end, UNIT_BYTES):
        here = held.get(at)
        follows = here is None if first is None else here == first + at - start
        if not follows:
            yield Span(start, at), first
            start, first = at, here
    yield Span(start, span.end), first


@dataclass(frozen=True)
class _Way:
    """One way to bring a span, and its bytes of data on the wire; made when it is chosen."""

    data_bytes: int
    piece: Callable[[], Piece]


class _Choice:
    """The ways to bring a part of the new object that are together the shortest on the wire.

    Args:
        new: the whole new object.
        part: of it, at most COPY_BYTES.
        old: bytes that the board holds; None: there are none.
        room: bytes of data that a request can carry.
    """

    def __init__(self, new: bytes, part: Span, old: Old | None, room: int) -> None:
        self._new, self._part, self._old, self._room = new, part, old, room
        wanted = new[part.start : part.end]
        self._zeros_bits = _running_sum(block_bits(bytes(len(wanted)), wanted))
        # Of the old bytes at the same offset, as far as they reach.
        shared = 0
        if old is not None:
            shared = max(0, min(len(old.data) - part.start, part.size))
            if shared < part.size:
                shared = shared // BLOCK_BYTES * BLOCK_BYTES
        kept = old.data[part.start : part.start + shared] if old is not None else b""
        self._shared_end = part.start + shared
        self._shared_bits = _running_sum(block_bits(kept, wanted[:shared]))

    def __iter__(self) -> Iterator[_Way]:
        return iter(self._cheapest(self._part))

    def _cheapest(self, span: Span) -> list[_Way]:
        """One way, or those of the two halves where that is less on the wire."""
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
        ways.append(_Way(span.size, lambda: _sent(self._new, span)))
        return min(ways, key=lambda way: way.data_bytes)

    def _patches(self, span: Span) -> list[_Way]:
        """Patches of old bytes: at the same offset, and where similar ones lie."""
        old, ways = self._old, list[_Way]()
        if old is None:
            return ways
        if span.end <= self._shared_end:
            data_bytes = self._patch_bytes(self._shared_bits, span)
            ways.append(_Way(data_bytes, lambda: self._patch(span, old, span.start)))
        if not ways or _is_poor(ways[0], span):
            wanted = self._new[span.start : span.end]
            found = old.find(wanted)
            if found is not None and found != span.start:
                start = found
                bits = _running_sum(block_bits(old.data[start : start + span.size], wanted))
                data_bytes = _patch_bytes(bits, 0, len(bits) - 1)
                ways.append(_Way(data_bytes, lambda: self._patch(span, old, start)))
        return ways

    def _patch_bytes(self, bits: list[int], span: Span) -> int:
        first = (span.start - self._part.start) // BLOCK_BYTES
        return _patch_bytes(bits, first, first + -(-span.size // BLOCK_BYTES))

    def _patch(self, span: Span, old: Old, start: int) -> Piece:
        kept = old.data[start : start + span.size]
        wanted = self._new[span.start : span.end]
        patch = b"" if kept == wanted else make_patch(kept, wanted)
        return Piece(span.start, span.size, old.at + start, patch)

    def _filled(self, span: Span) -> Piece:
        patch = make_patch(bytes(span.size), self._new[span.start : span.end])
        return Piece(span.start, span.size, ZEROS, patch)


def _running_sum(bits: npt.NDArray[np.int64]) -> list[int]:
    return [0, *np.cumsum(bits).tolist()]


def _patch_bytes(bits: list[int], first: int, end: int) -> int:
    """Of a patch of some blocks, from the running sum of their bits."""
    return -(-(bits[end] - bits[first]) // 8)


def _is_poor(way: _Way, span: Span) -> bool:
    return way.data_bytes * _POOR_PATCH > span.size


def _join_copies(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Joins neighbours that one copy can bring."""
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
