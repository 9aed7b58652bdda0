"""How new bytes come to a board that holds similar ones: what to copy, patch, send. No I/O.

A piece is made of bytes that the board holds, of changes of these, or of sent bytes, whichever is
the shortest on the wire. Pieces cover what is wanted without gaps or overlaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from host_sdk.patch import make_patch
from host_sdk.values import Value

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


@dataclass(frozen=True)
class Piece:
    """A request that brings the new object's bytes [offset, offset + size).

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


def plan_patches(new: bytes, wanted: Sequence[Span], old: Old | None, room: int) -> list[Piece]:
    """Pieces made of known old bytes, or of zeros where that is shorter.

    Args:
        new: the whole new object.
        wanted: what the board lacks, in units.
        old: bytes that the board holds; None: there are none.
        room: bytes of data that a request can carry.
    """
    pieces: list[Piece] = []
    for span in wanted:
        for at in range(span.start, span.end, COPY_BYTES):
            pieces += _cheapest(new, Span(at, min(at + COPY_BYTES, span.end)), old, room)
    return _merge(pieces, room)


def plan_copies(
    new: bytes, wanted: Sequence[Span], held: dict[int, int], room: int, packed: bool
) -> list[Piece]:
    """Pieces made of blocks whose hashes matched; the rest is sent.

    Args:
        new: the whole new object.
        wanted: what the board lacks, in units.
        held: offset of a unit in the new object -> flash offset of the same bytes.
        room: bytes of data that a request can carry.
        packed: send the rest as patches of zeros, where that is shorter.
    """
    pieces: list[Piece] = []
    for span in wanted:
        for run, at in _runs(span, held):
            if at is not None:
                pieces += _copies(run, at)
            elif packed:
                pieces += plan_patches(new, [run], None, room)
            else:
                pieces += _sent(new, run, room)
    return pieces


def _copies(run: Span, at: int) -> Iterator[Piece]:
    for start in range(run.start, run.end, COPY_BYTES):
        size = min(COPY_BYTES, run.end - start)
        yield Piece(start, size, at + start - run.start)


def _sent(new: bytes, run: Span, room: int) -> Iterator[Piece]:
    for start in range(run.start, run.end, room):
        data = new[start : min(start + room, run.end)]
        yield Piece(start, len(data), None, data)


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


def _cheapest(new: bytes, span: Span, old: Old | None, room: int) -> list[Piece]:
    """One piece, or those of the two halves where that is less on the wire."""
    size = span.end - span.start
    whole = _shortest(new[span.start : span.end], span.start, old, room)
    if whole is not None and (size <= _LEAST_BYTES or not _is_poor(whole)):
        return [whole]
    middle = span.start + (size // 2 + UNIT_BYTES - 1) // UNIT_BYTES * UNIT_BYTES
    halves = [
        *_cheapest(new, Span(span.start, middle), old, room),
        *_cheapest(new, Span(middle, span.end), old, room),
    ]
    return halves if whole is None or _cost(halves) < _cost([whole]) else [whole]


def _cost(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.data) + _REQUEST_BYTES for piece in pieces)


def _is_poor(piece: Piece) -> bool:
    return len(piece.data) * _POOR_PATCH > piece.size


def _merge(pieces: Sequence[Piece], room: int) -> list[Piece]:
    """Joins neighbours that one request can bring."""
    merged: list[Piece] = []
    for piece in pieces:
        joined = _join(merged[-1], piece, room) if merged else None
        if joined is None:
            merged.append(piece)
        else:
            merged[-1] = joined
    return merged


def _join(a: Piece, b: Piece, room: int) -> Piece | None:
    size, data = a.size + b.size, a.data + b.data
    if a.offset + a.size != b.offset:
        return None
    if a.at is None and b.at is None and size <= room:
        return Piece(a.offset, size, None, data)
    if a.at is None or b.at is None or data or size > COPY_BYTES or a.at + a.size != b.at:
        return None
    return Piece(a.offset, size, a.at)


def _shortest(wanted: bytes, at: int, old: Old | None, room: int) -> Piece | None:
    """The one piece that brings some bytes with the least data; None where none fits a request."""
    ways = [] if old is None else _patches(wanted, at, old)
    if not any(len(way.data) < len(wanted) // 2 for way in ways):
        ways.append(Piece(at, len(wanted), ZEROS, make_patch(bytes(len(wanted)), wanted)))
    ways = [way for way in ways if len(way.data) < len(wanted) * _WORTH_PATCHING]
    ways.append(Piece(at, len(wanted), None, wanted))
    ways = [way for way in ways if len(way.data) <= room]
    return min(ways, key=lambda way: len(way.data), default=None)


def _patches(wanted: bytes, at: int, old: Old) -> list[Piece]:
    """Patches of old bytes: at the same offset, and where similar ones lie."""
    ways = []
    if at <= len(old.data) - len(wanted):
        ways.append(_patch(wanted, at, old, at))
    if not ways or _is_poor(ways[0]):
        found = old.find(wanted)
        if found is not None and found != at:
            ways.append(_patch(wanted, at, old, found))
    return ways


def _patch(wanted: bytes, at: int, old: Old, start: int) -> Piece:
    patch = make_patch(old.data[start : start + len(wanted)], wanted)
    return Piece(at, len(wanted), old.at + start, patch)
